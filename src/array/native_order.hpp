/// \file
/// Elements in the byte order of this machine, whatever the file's.
#pragma once

#include <functional>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/dtype.hpp>

namespace npymap::detail {

/// Elements of dtype `stored` as those of `wanted`. `load` brings them into memory as they are, and
/// calls them what it is given; dtypes that do not fit are refused before that.
/// \throws error dtype_mismatch; what `load` throws
any_array in_native_order(const std::string& path, const dtype& stored, const dtype& wanted,
                          const std::function<any_array(const dtype&)>& load);

}  // namespace npymap::detail
