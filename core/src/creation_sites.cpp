#include "creation_sites.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <string_view>
#include <unordered_map>

#include "function_label.hpp"

namespace simul::detail {
namespace {

/// Enough to come out of spawn(fn, ...).
constexpr std::size_t kKept = 8;

struct Creation {
  std::array<ProgramCounter, kKept> pcs;
  std::size_t size = 0;
};

/// In parts, so that loops don't wait for each other.
struct Shard {
  std::mutex mutex;
  std::unordered_map<const void*, Creation> creations;
};

Shard& shard_of(const void* block) {
  constexpr std::size_t kShards = 64;
  static auto* const shards = new std::array<Shard, kShards>;  // frames may outlive statics
  return (*shards)[(reinterpret_cast<std::uintptr_t>(block) >> 4) % kShards];
}

/// What stands between the one who calls a coroutine function and the one who remembers it.
bool is_allocation(const NativeFrame& frame) {
  // Inlined, they may stand there without their namespace.
  static constexpr std::array<std::string_view, 5> kNames = {
      "NativeStack::collect", "remember_creation", "allocate_outside", "frame_allocate",
      "operator new"};
  return std::ranges::any_of(kNames,
                             [&](std::string_view name) { return frame.function.contains(name); });
}

}  // namespace

[[gnu::noinline]] void remember_creation(const void* block) noexcept {
  NativeStack stack;
  stack.collect();
  Creation creation;
  for (const ProgramCounter pc : stack.pcs().first(std::min(kKept, stack.pcs().size()))) {
    creation.pcs[creation.size++] = pc;
  }
  Shard& shard = shard_of(block);
  try {
    const std::lock_guard lock(shard.mutex);
    shard.creations.insert_or_assign(block, creation);
  } catch (const std::bad_alloc&) {
    // A coroutine whose origin stays unknown.
  }
}

void forget_creation(const void* block) noexcept {
  Shard& shard = shard_of(block);
  const std::lock_guard lock(shard.mutex);
  shard.creations.erase(block);
}

std::vector<ProgramCounter> creation_of(const void* block) {
  Shard& shard = shard_of(block);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.creations.find(block);
  if (found == shard.creations.end()) {
    return {};
  }
  const Creation& creation = found->second;
  return {creation.pcs.begin(), creation.pcs.begin() + static_cast<std::ptrdiff_t>(creation.size)};
}

std::string created_at(const void* frame) {
  const std::vector<NativeFrame> frames = frames_of(creation_of(frame));
  auto place = std::ranges::find_if_not(frames, is_allocation);
  if (place != frames.end()) {
    ++place;  // the coroutine function itself
  }
  place = std::find_if(place, frames.end(), [](const NativeFrame& caller) {
    return !caller.file.empty() && !is_own_header(caller.file);
  });
  if (place == frames.end()) {
    return {};
  }
  return std::string(base_name(place->file)) + ":" + std::to_string(place->line);
}

}  // namespace simul::detail
