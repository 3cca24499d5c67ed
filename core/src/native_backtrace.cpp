#include "native_backtrace.hpp"

#include <backtrace.h>
#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>

#include "function_label.hpp"

namespace simul::detail {
namespace {

constexpr std::size_t kLongestName = 200;

struct Collected {
  std::span<ProgramCounter> room;
  std::size_t size = 0;
};

_Unwind_Reason_Code collect_one(_Unwind_Context* context, void* data) {
  Collected& collected = *static_cast<Collected*>(data);
  int interrupted = 0;
  const ProgramCounter pc = _Unwind_GetIPInfo(context, &interrupted);
  if (interrupted != 0) {
    collected.size = 0;  // what stands inside of it is the handler
  }
  if (pc == 0 || collected.size == collected.room.size()) {
    return _URC_END_OF_STACK;
  }
  // A return address belongs to the instruction after the call, which may be of another line.
  collected.room[collected.size++] = interrupted != 0 ? pc : pc - 1;
  return _URC_NO_REASON;
}

/// glibc's internal names of what everybody knows: "__GI___clock_nanosleep", "__GI___libc_write".
std::string_view without_libc_prefix(std::string_view symbol) noexcept {
  if (!symbol.starts_with("__GI_")) {
    return symbol;
  }
  symbol.remove_prefix(std::min(symbol.find_first_not_of('_', 5), symbol.size()));
  if (symbol.starts_with("libc_")) {
    symbol.remove_prefix(5);
  }
  return symbol;
}

std::string demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> buffer(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  std::string name(status == 0 ? buffer.get() : without_libc_prefix(symbol));
  // The parts into which the compiler has split a function: "f() [clone .resume]".
  if (const std::size_t clone = name.find(" [clone "); clone != std::string::npos) {
    name.resize(clone);
  }
  if (name.size() > kLongestName) {
    name.resize(kLongestName);
    name += "...";
  }
  return name;
}

std::string hexadecimal(std::uintptr_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%zx", static_cast<std::size_t>(number));
  return text.data();
}

/// For what has neither debug information nor a symbol.
std::string module_and_offset(ProgramCounter pc) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(pc), &info) == 0 || info.dli_fname == nullptr) {
    return hexadecimal(pc);
  }
  const auto base = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  return std::string(base_name(info.dli_fname)) + "+" + hexadecimal(pc - base);
}

/// How many libraries have been loaded so far.
unsigned long long libraries_loaded() noexcept {
  unsigned long long count = 0;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        *static_cast<unsigned long long*>(data) = info->dlpi_adds;
        return 1;
      },
      &count);
  return count;
}

/// libbacktrace with what it has read: the debug information of all that was loaded when it was first asked.
/// It can't forget any of it, so there is one for the whole process, and another one only when code is met
/// that was loaded later (a plugin).
class DebugInformation {
 public:
  static DebugInformation& instance() {
    static auto* const only = new DebugInformation;  // outlives every thread that may ask
    return *only;
  }

  void describe(ProgramCounter pc, std::vector<NativeFrame>& frames) {
    const std::lock_guard lock(mutex_);
    if (find(pc, frames)) {
      return;
    }
    if (libraries_loaded() != libraries_) {
      read();
      if (find(pc, frames)) {
        return;
      }
    }
    frames.push_back({.function = module_and_offset(pc), .file = {}});
  }

 private:
  DebugInformation() { read(); }

  void read() {
    libraries_ = libraries_loaded();
    state_ = ::backtrace_create_state(nullptr, 0, ignore, nullptr);
  }

  /// False: nothing is known of this code.
  bool find(ProgramCounter pc, std::vector<NativeFrame>& frames) {
    if (state_ == nullptr) {
      return false;
    }
    const std::size_t before = frames.size();
    ::backtrace_pcinfo(state_, pc, add_line, ignore, &frames);
    // What isn't inlined has a symbol, which is better than the bare name that debug information may hold.
    std::string symbol;
    ::backtrace_syminfo(state_, pc, set_symbol, ignore, &symbol);
    if (frames.size() > before) {
      if (frames.back().function.empty() || symbol.contains('(')) {
        frames.back().function = std::move(symbol);
      }
    } else if (!symbol.empty()) {
      frames.push_back({.function = std::move(symbol), .file = {}});
    }
    return frames.size() > before;
  }

  static int add_line(void* data, std::uintptr_t, const char* file, int line,
                      const char* function) {
    auto& frames = *static_cast<std::vector<NativeFrame>*>(data);
    if (file != nullptr || function != nullptr) {
      frames.push_back({.function = function != nullptr ? demangled(function) : "",
                        .file = file != nullptr ? file : "",
                        .line = line});
    }
    return 0;
  }
  static void set_symbol(void* data, std::uintptr_t, const char* symbol, std::uintptr_t,
                         std::uintptr_t) {
    if (symbol != nullptr) {
      *static_cast<std::string*>(data) = demangled(symbol);
    }
  }
  static void ignore(void*, const char*, int) {}  // no debug information: there are other ways

  std::mutex mutex_;
  backtrace_state* state_ = nullptr;
  unsigned long long libraries_ = 0;
};

}  // namespace

[[gnu::noinline]] void NativeStack::collect() noexcept {
  Collected collected{.room = pcs_};
  _Unwind_Backtrace(collect_one, &collected);
  size_ = collected.size;
}

std::string NativeFrame::text() const {
  std::string text = function;
  if (!file.empty()) {
    text += text.empty() ? "" : " at ";
    text += base_name(file);
    text += ":" + std::to_string(line);
  }
  return text;
}

std::vector<NativeFrame> frames_of(std::span<const ProgramCounter> pcs) {
  std::vector<NativeFrame> frames;
  for (const ProgramCounter pc : pcs) {
    DebugInformation::instance().describe(pc, frames);
  }
  return frames;
}

std::vector<NativeFrame> without_loop(std::vector<NativeFrame> frames) {
  static constexpr std::array<std::string_view, 6> kMachinery = {
      "simul::detail::TaskBase::resume_until_suspended(",
      "resume_until_suspended",  // if it was inlined
      "simul::detail::TaskBase::run_ready(",
      "simul::detail::Callback::run_ready(",
      "simul::detail::Mailbox::Posted::run_ready(",
      "simul::Loop::run_ready("};
  const auto outer = std::ranges::find_if(frames, [](const NativeFrame& frame) {
    return std::ranges::any_of(
        kMachinery, [&](std::string_view name) { return frame.function.starts_with(name); });
  });
  frames.erase(outer == frames.begin() ? frames.end() : outer, frames.end());
  std::erase_if(frames, [](const NativeFrame& frame) {
    const std::string_view file = base_name(frame.file);
    return file == "coroutine" || (file == "coro.hpp" && is_own_header(frame.file));
  });
  return frames;
}

}  // namespace simul::detail
