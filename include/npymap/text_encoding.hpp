/// \file
/// How text is kept in files.
#pragma once

namespace npymap {

/// How characters are kept in a file of text.
enum class text_encoding : char { utf8, latin1 };

}  // namespace npymap
