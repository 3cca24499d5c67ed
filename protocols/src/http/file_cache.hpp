// FileCache: the files that were asked for lately, open and with ready-made headers, so that an answer
// costs no system call but those that send it.
//
//   auto [file, fresh] = cache.find("/index.html", now);
//   if (!fresh) ... open it again; cache.put("/index.html", file, now)
//
// A file is taken for what it was for a second; then it is opened anew, so a file that was replaced or
// deleted is noticed. One that nobody asks for is closed after some seconds. What isn't there isn't kept.
//
// Each thread has a shard of its own, as long as there are no more than kShards.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <simul/clock.hpp>

#include "http/known_file.hpp"

namespace simul::http {

class FileCache {
 public:
  static constexpr std::size_t kShards = 8;
  /// Of a shard: the one that hasn't been asked for the longest has to go then. With its compressed forms
  /// each has up to three descriptors.
  static constexpr std::size_t kMaxFiles = 64;
  static constexpr Duration kFresh = std::chrono::seconds(1);
  static constexpr Duration kUnused = std::chrono::seconds(5);

  FileCache();
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  struct Found {
    std::shared_ptr<const KnownFile> file;  ///< null: not here
    bool fresh = false;                     ///< false: see whether it still is what it was
  };
  /// Thread: any; so are the others.
  [[nodiscard]] Found find(std::string_view path, TimePoint now);
  /// It is so now; another one is let go.
  void put(const std::string& path, std::shared_ptr<const KnownFile> file, TimePoint now);
  void remove(std::string_view path);
  /// Lets all of this thread's go: the process has no descriptors left.
  void clear();

  /// The loop's time, or the kernel's outside of a loop.
  [[nodiscard]] static TimePoint now() noexcept;

 private:
  struct Shard;

  [[nodiscard]] const std::shared_ptr<Shard>& shard() noexcept;

  std::array<std::shared_ptr<Shard>, kShards> shards_;  // shared with the timers that sweep them
};

}  // namespace simul::http
