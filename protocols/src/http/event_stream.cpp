#include <simul/http/event_stream.hpp>

#include <functional>
#include <stdexcept>
#include <string>

#include <simul/sleep.hpp>
#include <simul/task_group.hpp>

#include "http/response_access.hpp"

namespace simul::http {
namespace {

constexpr Duration kHeartbeat = std::chrono::seconds(15);

void append_field(std::string& text, std::string_view name, std::string_view value,
                  std::string_view forbidden) {
  if (value.find_first_of(forbidden) != std::string_view::npos) {
    throw std::invalid_argument("an event's " + std::string(name) + " can't have line breaks");
  }
  text.append(name).append(": ").append(value).append("\n");
}

// A line each, however they end.
void append_data(std::string& text, std::string_view data) {
  for (bool last = false; !last;) {
    const std::size_t end = data.find_first_of("\r\n");
    last = end == std::string_view::npos;
    text.append("data: ").append(data.substr(0, end)).append("\n");
    if (!last) {
      data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
    }
  }
}

}  // namespace

Coro<BodyWriter::Result> EventStream::send(ServerEvent event) {
  std::string text;
  if (!event.event.empty()) {
    append_field(text, "event", event.event, "\r\n");
  }
  if (!event.id.empty()) {
    append_field(text, "id", event.id, std::string_view("\r\n\0", 3));
  }
  if (event.retry) {
    append_field(text, "retry", std::to_string(event.retry->count()), "-");
  }
  append_data(text, event.data);
  text += "\n";
  co_return co_await write(text);
}

Coro<BodyWriter::Result> EventStream::write(std::string_view text) {
  const Lock::Guard guard = co_await lock_.lock();
  ++writes_;
  co_return co_await out_.write(text);
}

Coro<> EventStream::keep_alive() {
  for (;;) {
    const std::uint64_t before = writes_;
    co_await sleep(kHeartbeat);
    if (writes_ == before && !co_await write(":\n\n")) {
      co_return;
    }
  }
}

Response Response::events(std::function<Coro<>(EventStream&)> produce) {
  auto run = [produce = std::move(produce)](BodyWriter& out) -> Coro<> {
    EventStream events(out);
    const auto beat = [&](TaskGroup& group) -> Coro<> {
      co_await events.keep_alive();
      group.cancel("the client takes no more");
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
      Task<> beating = group.spawn(beat, std::ref(group));
      co_await events.write(
          ":\n\n");  // the client is to know that it is connected, before there is an event
      co_await produce(events);
      // A comment on its way must not be cut off: all that was sent before would be lost with it.
      const Lock::Guard guard = co_await events.lock_.lock();
      beating.cancel("the last event was sent");
    };
    co_await with_group(body);
  };
  Response response = stream("text/event-stream", std::move(run));
  response.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace simul::http
