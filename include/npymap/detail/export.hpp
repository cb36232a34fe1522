/// \file
/// Symbol visibility: the library is built with hidden visibility, and names its public symbols.
#pragma once

#if defined(NPYMAP_STATIC)
#define NPYMAP_EXPORT
#else
#define NPYMAP_EXPORT __attribute__((visibility("default")))
#endif
