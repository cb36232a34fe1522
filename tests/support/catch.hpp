/// \file
/// Catch2 by one name: version 2 keeps everything in catch.hpp, version 3 in catch_all.hpp.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
