// Opens a file below a folder and nowhere else, whatever the path says and wherever symlinks lead.
//
//   int fd = open_beneath(root, "docs/index.html");   // -1: see errno
//
// Symlinks may point to other places below the folder, if they are relative. Where the kernel can't
// see to that (Linux before 5.6, some sandboxes), no symlink is followed at all.
#pragma once

namespace simul::http {

/// Read-only, close-on-exec, and without waiting for whoever writes a pipe. `path` is relative.
[[nodiscard]] int open_beneath(int folder, const char* path) noexcept;

/// What it falls back on: goes down segment by segment, and follows no symlink.
[[nodiscard]] int open_without_symlinks(int folder, const char* path) noexcept;

}  // namespace simul::http
