#include "http/file_cache.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include <simul/loop.hpp>

namespace simul::http {
namespace {

std::atomic<unsigned> thread_count{0};
constinit thread_local unsigned thread_number = 0;  // 0: none yet

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace

struct alignas(64) FileCache::Shard {
  struct Entry {
    std::shared_ptr<const KnownFile> file;
    TimePoint checked;
    TimePoint used;
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  std::mutex mutex;
  Entries entries;
  std::optional<TimePoint> sweep_at;  // when a timer will look for what nobody asks for

  /// With the lock held. Something must be there to sweep: an idle loop has no timers.
  static void plan_sweep(const std::shared_ptr<Shard>& shard, TimePoint now) {
    Loop* const loop = Loop::current_or_null();
    // A sweep that is overdue went down with its loop.
    if (loop == nullptr || (shard->sweep_at && now <= *shard->sweep_at + kUnused)) {
      return;
    }
    shard->sweep_at = now + kUnused;
    loop->call_later(kUnused, [weak = std::weak_ptr(shard)] {
      if (const auto alive = weak.lock()) {
        sweep(alive, FileCache::now());
      }
    });
  }

  static void sweep(const std::shared_ptr<Shard>& shard, TimePoint now) {
    std::vector<std::shared_ptr<const KnownFile>> unused;  // closed without the lock
    const std::scoped_lock lock(shard->mutex);
    std::erase_if(shard->entries, [&](auto& item) {
      if (now - item.second.used < kUnused) {
        return false;
      }
      unused.push_back(std::move(item.second.file));
      return true;
    });
    shard->sweep_at.reset();
    if (!shard->entries.empty()) {
      plan_sweep(shard, now);
    }
  }
};

FileCache::FileCache() {
  for (auto& shard : shards_) {
    shard = std::make_shared<Shard>();
  }
}

FileCache::~FileCache() = default;

const std::shared_ptr<FileCache::Shard>& FileCache::shard() noexcept {
  if (thread_number == 0) {
    thread_number = thread_count.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  return shards_[thread_number % kShards];
}

FileCache::Found FileCache::find(std::string_view path, TimePoint now) {
  Shard& shard = *this->shard();
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.entries.find(path);
  if (found == shard.entries.end()) {
    return {};
  }
  Shard::Entry& entry = found->second;
  entry.used = now;
  return {.file = entry.file, .fresh = now - entry.checked < kFresh};
}

void FileCache::put(const std::string& path, std::shared_ptr<const KnownFile> file, TimePoint now) {
  Shard::Entries::node_type old;  // closed without the lock
  const auto& shard = this->shard();
  const std::scoped_lock lock(shard->mutex);
  auto& entries = shard->entries;
  if (entries.size() >= kMaxFiles && !entries.contains(path)) {
    old = entries.extract(
        std::ranges::min_element(entries, {}, [](const auto& item) { return item.second.used; }));
  }
  Shard::Entry& entry = entries[path];
  std::swap(entry.file, file);
  entry.checked = entry.used = now;
  Shard::plan_sweep(shard, now);
}

void FileCache::remove(std::string_view path) {
  Shard::Entries::node_type old;
  Shard& shard = *this->shard();
  const std::scoped_lock lock(shard.mutex);
  if (const auto found = shard.entries.find(path); found != shard.entries.end()) {
    old = shard.entries.extract(found);
  }
}

void FileCache::clear() {
  Shard::Entries old;
  Shard& shard = *this->shard();
  const std::scoped_lock lock(shard.mutex);
  old.swap(shard.entries);
}

TimePoint FileCache::now() noexcept {
  if (Loop* const loop = Loop::current_or_null()) {
    return loop->now();
  }
  std::timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace simul::http
