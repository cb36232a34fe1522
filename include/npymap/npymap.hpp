/// \file
/// All of npymap but the adapters: <npymap/eigen.hpp> brings in Eigen, <npymap/chrono.hpp>
/// <chrono>.
#pragma once

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/convert.hpp>
#include <npymap/copy.hpp>
#include <npymap/datetime.hpp>
#include <npymap/dtype.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/float16.hpp>
#include <npymap/header.hpp>
#include <npymap/pass.hpp>
#include <npymap/record.hpp>
#include <npymap/reduce.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>
#include <npymap/source.hpp>
#include <npymap/statistics.hpp>
#include <npymap/stored.hpp>
#include <npymap/strings.hpp>
#include <npymap/transform.hpp>
#include <npymap/view.hpp>
