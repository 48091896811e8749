# Language level, warnings, sanitizers and ccache, decided once.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Paths below this tree are hashed as relative ones, so that a second clone elsewhere hits the cache.
find_program(SENTIRIC_CCACHE ccache)
if(SENTIRIC_CCACHE)
  get_filename_component(_sentiric_root "${CMAKE_CURRENT_LIST_DIR}/../.." REALPATH)
  set(_sentiric_launcher "${CMAKE_COMMAND}" -E env
      "CCACHE_BASEDIR=${_sentiric_root}" CCACHE_NOHASHDIR=1 "${SENTIRIC_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${_sentiric_launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${_sentiric_launcher}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${_sentiric_launcher}")
endif()

if(SENTIRIC_SANITIZE)
  add_compile_options(-fsanitize=${SENTIRIC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SENTIRIC_SANITIZE})
endif()

# Our own targets only: third-party code keeps its own warning level.
function(sentiric_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)
endfunction()
