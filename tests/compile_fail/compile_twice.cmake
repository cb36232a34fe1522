# cmake -DCOMPILE=<compiler;and;flags> -DSOURCE=<file> -P compile_twice.cmake
#
# The source must compile as it stands, and must not with NPYMAP_EXPECT_FAILURE defined. A line
# `// expected: <regular expression>` in it says what the compiler must then say.

execute_process(COMMAND ${COMPILE} -fsyntax-only ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE said)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "does not compile even without the mistake:\n${said}")
endif()

execute_process(COMMAND ${COMPILE} -fsyntax-only -DNPYMAP_EXPECT_FAILURE ${SOURCE}
  RESULT_VARIABLE result ERROR_VARIABLE said)
if(result EQUAL 0)
  message(FATAL_ERROR "compiles, and should not")
endif()
file(STRINGS ${SOURCE} expected REGEX "^// expected: ")
string(REPLACE "// expected: " "" expected "${expected}")
if(expected AND NOT said MATCHES "${expected}")
  message(FATAL_ERROR "fails, but does not say '${expected}':\n${said}")
endif()
