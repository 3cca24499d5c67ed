#include "trace/json_tracer.hpp"

#include <unistd.h>

#include <atomic>

#include <simul/call_graph.hpp>
#include <simul/environment.hpp>

#include "function_label.hpp"

namespace simul::detail {
namespace {

/// As the inside of a JSON string.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
    }
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

std::string id_of(const TaskBase* task) {
  return R"(,"id":")" + std::to_string(reinterpret_cast<std::uintptr_t>(task)) + '"';
}

/// The list in this file has its end; loops of other threads may still run.
std::atomic<const std::FILE*> finished = nullptr;

}  // namespace

void JsonTracer::finish(std::FILE* file) noexcept {
  ::flockfile(file);
  finished = file;
  std::fprintf(file,
               R"({"name":"process_name","ph":"M","pid":%d,"args":{"name":"simul"}}])"
               "\n",
               static_cast<int>(::getpid()));
  ::funlockfile(file);
}

JsonTracer::JsonTracer(std::FILE* file, int number) : file_(file), number_(number) {
  event('M', "thread_name", R"(,"args":{"name":"loop )" + std::to_string(number) + R"("})");
}

void JsonTracer::event(char phase, std::string_view name, std::string_view more) {
  const double microseconds =
      static_cast<double>(Environment::real().now().time_since_epoch().count()) / 1000;
  const std::string shown = escaped(name);
  ::flockfile(file_);
  if (finished != file_) {
    std::fprintf(file_,
                 R"({"ph":"%c","name":"%s","pid":%d,"tid":%d,"ts":%.3f%.*s},)"
                 "\n",
                 phase, shown.c_str(), static_cast<int>(::getpid()), number_, microseconds,
                 static_cast<int>(more.size()), more.data());
  }
  ::funlockfile(file_);
}

void JsonTracer::begin(std::string_view name) {
  event('B', name);
  ++depth_;
}

void JsonTracer::end_down_to(std::size_t depth) {
  for (; depth_ > depth; --depth_) {
    event('E', "");
  }
}

void JsonTracer::step_begins(const TaskBase& task) {
  task_ = &task;
  begin(task.label());
}

void JsonTracer::goes_on(const Leaf& leaf) {
  event('e', leaf.waits_for(), R"(,"cat":"wait")" + id_of(task_));
}

void JsonTracer::enters(const PromiseBase& coroutine) {
  if (!is_machinery(coroutine.site) && entered_.insert(&coroutine).second) {
    begin(function_label(coroutine.site) + "()");
  }
}

void JsonTracer::waits(const PromiseBase& coroutine, const Leaf& leaf) {
  event('b', leaf.waits_for(),
        R"(,"cat":"wait","args":{"task":")" + escaped(task_->label()) + R"(","at":")" +
            escaped(place(coroutine.site)) + "\"}" + id_of(task_));
}

void JsonTracer::returns(const PromiseBase& coroutine) {
  if (entered_.erase(&coroutine) > 0) {
    end_down_to(depth_ - 1);
  }
}

void JsonTracer::step_ends(const TaskBase& /*task*/) {
  entered_.clear();
  end_down_to(0);
  task_ = nullptr;
}

void JsonTracer::called_back(const Ready& callback) { event('i', callback.label(), R"(,"s":"t")"); }

}  // namespace simul::detail
