#include <simul/thrown_at.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include <simul/call_graph.hpp>
#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/exception_group.hpp>

#include "function_label.hpp"
#include "loop_access.hpp"
#include "thrown_at.hpp"

namespace simul {
namespace detail {
namespace {

/// Where the exception lies: the only member of an exception_ptr.
void* address_of(const std::exception_ptr& exception) noexcept {
  static_assert(std::is_standard_layout_v<std::exception_ptr> &&
                sizeof(std::exception_ptr) == sizeof(void*));
  return *reinterpret_cast<void* const*>(&exception);
}

/// Tells an exception from a later one that lies where it has lain. To keep it alive instead would be exact,
/// but what it holds would live on until some other coroutine fails, and die on a thread that knows nothing
/// of it. What is confused all the same is of one type and says the same.
struct Looks {
  const std::type_info* type = nullptr;
  std::size_t text = 0;

  bool operator==(const Looks& other) const noexcept {
    return text == other.text && *type == *other.type;
  }
};

/// None: there is none, or nobody asks where such a one was thrown. It asks what a handler for std::exception
/// would be asked (of libstdc++), for throwing it again to find out takes longer than all the rest.
std::optional<Looks> looks_of(const std::exception_ptr& exception) noexcept {
  const std::type_info* type = exception ? exception.__cxa_exception_type() : nullptr;
  if (type == nullptr || *type == typeid(Cancelled)) {
    return std::nullopt;
  }
  void* object = address_of(exception);
  if (!typeid(std::exception).__do_catch(type, &object, 1)) {
    return Looks{type};
  }
  const char* text = static_cast<const std::exception*>(object)->what();
  return Looks{type, std::hash<std::string_view>()(text)};
}

/// The way of one exception.
class Way {
 public:
  [[nodiscard]] bool is_of(const void* address) const noexcept { return address_ == address; }
  [[nodiscard]] bool is_of(const void* address, const Looks& looks) const noexcept {
    return address_ == address && looks_ == looks;
  }
  /// Is it known to have arrived in this coroutine?
  [[nodiscard]] bool leads_to(const PromiseBase& promise) const noexcept {
    return next_ == &promise;
  }

  void begin(const void* address, const Looks& looks, const PromiseBase& promise) noexcept {
    address_ = address;
    looks_ = looks;
    count_ = 0;
    arrive(&promise);
    leave();
  }
  void arrive(const PromiseBase* promise) noexcept {
    next_ = promise;
    if (promise != nullptr) {
      site_ = promise->site;  // now: it may await something else before it throws it on
    }
  }
  void leave() noexcept {
    if (count_ < sites_.size()) {
      sites_[count_] = site_;
    }
    ++count_;
    arrive(next_->caller);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (std::size_t i = 0; i < count_ && i < sites_.size(); ++i) {
      if (!is_machinery(sites_[i])) {
        text.append(text.empty() ? "" : ", called from ");
        text.append(place(sites_[i])).append(" (").append(function_label(sites_[i])).append(")");
      }
    }
    return text + (count_ > sites_.size() && !text.empty() ? " and others" : "");
  }

 private:
  static constexpr std::size_t kMostSites = 32;

  const void* address_ = nullptr;
  Looks looks_;
  const PromiseBase* next_ = nullptr;  // only compared; null: it has left its task
  std::source_location site_;          // of `next_`
  std::size_t count_ = 0;
  std::array<std::source_location, kMostSites> sites_;
};

/// Those of a thread. Several, because one that waits for the end of a group, or for what tidies up, before
/// it goes on is overtaken by others.
class Ways {
 public:
  /// The calling thread's. Null: it has none yet, or has ended.
  static Ways* get() noexcept;
  static Ways* make() noexcept;

  [[nodiscard]] Way* find(const void* address) noexcept {
    for (Way& way : ways_) {
      if (way.is_of(address)) {
        return &way;
      }
    }
    return nullptr;
  }
  Way& oldest() noexcept { return ways_[oldest_++ % ways_.size()]; }

 private:
  std::array<Way, 4> ways_;
  std::size_t oldest_ = 0;
};

[[gnu::tls_model("initial-exec")]] thread_local constinit Ways* t_ways = nullptr;

/// Where the pointer leads once the thread-local objects are being destroyed: nobody would free another one.
constinit Ways g_ended;

struct Owner {
  ~Owner() {
    delete t_ways;
    t_ways = &g_ended;
  }
};

Ways* Ways::get() noexcept { return t_ways == &g_ended ? nullptr : t_ways; }

Ways* Ways::make() noexcept {
  if (t_ways == nullptr) {
    thread_local Owner owner;
    t_ways = new (std::nothrow) Ways;
  }
  return get();
}

/// The way of this very exception, or null.
Way* way_of(const std::exception_ptr& exception) noexcept {
  Ways* ways = exception ? Ways::get() : nullptr;
  Way* way = ways != nullptr ? ways->find(address_of(exception)) : nullptr;
  if (way == nullptr) {
    return nullptr;
  }
  const std::optional<Looks> looks = looks_of(exception);
  return looks && way->is_of(address_of(exception), *looks) ? way : nullptr;
}

}  // namespace

std::exception_ptr exception_leaves(const PromiseBase& promise) noexcept {
  std::exception_ptr exception = std::current_exception();
  const std::optional<Looks> looks = looks_of(exception);
  Ways* ways = looks ? Ways::make() : nullptr;
  if (ways == nullptr) {
    return exception;
  }
  const void* address = address_of(exception);
  Way* way = ways->find(address);
  if (way != nullptr && way->is_of(address, *looks) && way->leads_to(promise)) {
    way->leave();
  } else {  // an older one that has lain there is gone
    (way != nullptr ? *way : ways->oldest()).begin(address, *looks, promise);
  }
  return exception;
}

void rethrown_here(const std::exception_ptr& exception) noexcept {
  const TaskBase* task = LoopAccess::current_task_or_null();
  if (Way* way = task != nullptr ? way_of(exception) : nullptr) {
    way->arrive(task->innermost());
  }
}

}  // namespace detail

std::string thrown_at(const std::exception_ptr& exception) noexcept {
  const detail::Way* way = detail::way_of(exception);
  return way != nullptr ? way->text() : std::string();
}

std::string describe_with_place(const std::exception_ptr& exception) noexcept {
  std::string text = describe(exception);
  if (const std::string places = thrown_at(exception); !places.empty()) {
    text.append("; thrown at ").append(places);
  }
  return text;
}

}  // namespace simul
