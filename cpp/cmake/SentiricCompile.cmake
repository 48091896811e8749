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

find_program(SENTIRIC_CCACHE ccache)
if(SENTIRIC_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${SENTIRIC_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SENTIRIC_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${SENTIRIC_CCACHE}")
endif()

if(SENTIRIC_SANITIZE)
  add_compile_options(-fsanitize=${SENTIRIC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SENTIRIC_SANITIZE})
endif()

# Our own targets only: third-party code keeps its own warning level.
function(sentiric_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)
endfunction()
