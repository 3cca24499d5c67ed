// Stands in for a folder that has no sources: CMake refuses a library without any.
