# Brings the targets ggml, llama and llama-common into the build, from the pinned tree
# (unpacked on first configure) or from -DLLAMA_CPP_DIR=<another checkout>.

set(LLAMA_CPP_DIR "${CMAKE_CURRENT_LIST_DIR}/llama.cpp" CACHE PATH "llama.cpp source tree")
set(SENTIRIC_LLAMA_COMMIT "0c1e57098" CACHE STRING "Commit of LLAMA_CPP_DIR, shown by build_info()")
option(SENTIRIC_CUDA "Build llama.cpp's CUDA backend" OFF)

# LLAMA_CPP_DIR as a path without '..' so that its own install rules and messages stay readable.
get_filename_component(LLAMA_CPP_DIR "${LLAMA_CPP_DIR}" ABSOLUTE)
set(_pinned "${CMAKE_CURRENT_LIST_DIR}/llama.cpp")

if(LLAMA_CPP_DIR STREQUAL _pinned AND NOT EXISTS "${_pinned}")
  message(STATUS "Fetching the pinned llama.cpp into ${_pinned}")
  execute_process(COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/fetch.py"
                  RESULT_VARIABLE _result ERROR_VARIABLE _error)
  if(NOT _result EQUAL 0)
    string(STRIP "${_error}" _error)
    message(FATAL_ERROR "${_error}")
  endif()
endif()

if(LLAMA_CPP_DIR STREQUAL _pinned)
  # The pin file is copied in last: without it, or with another one, the tree is not the pinned one.
  file(SHA256 "${CMAKE_CURRENT_LIST_DIR}/llama.cpp.txt" _pin)
  set(_unpacked "")
  if(EXISTS "${_pinned}/.pin")
    file(SHA256 "${_pinned}/.pin" _unpacked)
  endif()
  if(NOT _unpacked STREQUAL _pin)
    message(FATAL_ERROR "[vendor] ${_pinned} is not the complete pinned tree; delete it and configure again")
  endif()
elseif(NOT EXISTS "${LLAMA_CPP_DIR}/include/llama.h")
  message(FATAL_ERROR "[vendor] LLAMA_CPP_DIR=${LLAMA_CPP_DIR} holds no include/llama.h")
endif()

set(BUILD_SHARED_LIBS ON)
set(GGML_CCACHE OFF CACHE BOOL "ccache is set once, for the whole build")
set(GGML_RPC OFF CACHE BOOL "The RPC backend is remote code execution by design")
set(GGML_CUDA ${SENTIRIC_CUDA} CACHE BOOL "" FORCE)
set(LLAMA_BUILD_COMMON ON CACHE BOOL "")
set(LLAMA_OPENSSL OFF CACHE BOOL "The model store downloads in Python")
set(LLAMA_SUBPROCESS OFF CACHE BOOL "")
set(LLAMA_BUILD_COMMIT "${SENTIRIC_LLAMA_COMMIT}")
set(LLAMA_BUILD_NUMBER 0)
set(GIT_EXE "" CACHE FILEPATH "The commit of this repository is not ggml's")
add_subdirectory("${LLAMA_CPP_DIR}" "${CMAKE_BINARY_DIR}/llama.cpp" EXCLUDE_FROM_ALL)

# Versioned names are symbolic links, which a wheel cannot hold; headers do not go into it.
set(SENTIRIC_LLAMA_LIBRARIES ggml-base ggml-cpu ggml llama llama-common)
if(SENTIRIC_CUDA)
  list(APPEND SENTIRIC_LLAMA_LIBRARIES ggml-cuda)
endif()
foreach(_target IN LISTS SENTIRIC_LLAMA_LIBRARIES)
  set_property(TARGET ${_target} PROPERTY VERSION)
  set_property(TARGET ${_target} PROPERTY SOVERSION)
  set_property(TARGET ${_target} PROPERTY PUBLIC_HEADER)
endforeach()

# Into the wheel, beside our own licence. Not by license-files: it must match before the first fetch.
if(SKBUILD)
  install(FILES "${LLAMA_CPP_DIR}/LICENSE" DESTINATION "${SKBUILD_METADATA_DIR}/licenses/llama.cpp")
  install(DIRECTORY "${LLAMA_CPP_DIR}/licenses/" DESTINATION "${SKBUILD_METADATA_DIR}/licenses/llama.cpp")
endif()
