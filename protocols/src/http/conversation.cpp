#include "http/conversation.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <simul/cancelled.hpp>
#include <simul/http/http_error.hpp>
#include <simul/log.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>

#include "http/characters.hpp"
#include "http/chunked_writer.hpp"
#include "http/open_file.hpp"
#include "http/output.hpp"
#include "http/request_parser.hpp"
#include "http/response_access.hpp"
#include "http/response_head.hpp"
#include "http/status.hpp"

namespace simul::http {
namespace {

using Event = RequestParser::Event;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a client may still send after its last answer, and how long.
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;
constexpr Duration kLingerTime = std::chrono::seconds(2);

// A body that nobody wants is skipped for the sake of the connection, unless more than this is missing.
constexpr std::uint64_t kSkippedBytes = std::uint64_t{1} << 20;

// Up to here a file is read into the output: it leaves with the head, and with other answers, in one send.
constexpr std::uint64_t kReadBytes = std::uint64_t{32} << 10;

// One step of sending: what has a deadline of its own.
constexpr std::uint64_t kSlice = std::uint64_t{256} << 10;

// After so many answers in a row it is seen whether others have had to wait for so long.
constexpr std::uint32_t kLookAtClock = 8;
constexpr Duration kLongestTurn = std::chrono::milliseconds(5);

enum class BodyState : std::uint8_t { ended, on_its_way, failed };

/// Has a list such as that of Connection this element?
bool lists(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::string_view element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), element.size() + 1));
    if (equal_ignoring_case(trim(element), wanted)) {
      return true;
    }
  }
  return false;
}

bool lists(const RequestHead& head, std::string_view field, std::string_view wanted) {
  return std::ranges::any_of(head.fields, [&](const HeaderField& found) {
    return equal_ignoring_case(found.name, field) && lists(found.value, wanted);
  });
}

class Conversation final : public detail::BodySource {
 public:
  Conversation(Connection& peer, const Subject& subject, Chunk input)
      : peer_(peer),
        settings_(subject.settings),
        application_(*subject.application),
        loop_(Loop::current()),
        parser_(settings_.limits),
        input_(std::move(input)) {}
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (begun_ != 0) {  // an answer that was cut off, however that came
      framing_.size = body_sent_;
      finished(begun_);
    }
  }

  [[nodiscard]] RequestParser& parser() noexcept { return parser_; }
  [[nodiscard]] Output& output() noexcept { return output_; }
  [[nodiscard]] TimePoint send_deadline() noexcept {
    return settings_.deadline(loop_.now(), output_.size());
  }

  RequestParser::Step parse() {
    const RequestParser::Step step = parser_.parse(input_.text());
    if (step.consumed > 0) {
      input_.consume(step.consumed);
    }
    return step;
  }

  /// The request at hand; an empty one if what has come is none.
  [[nodiscard]] const RequestHead& head() const noexcept {
    static constexpr RequestHead kNone;
    return has_head_ ? parser_.request() : kNone;
  }
  /// Has anything been asked?
  [[nodiscard]] bool asked() const noexcept { return asked_; }

  /// A head has been parsed.
  void begin() noexcept {
    has_head_ = true;
    asked_ = true;
    const RequestHead& head = parser_.request();
    if (settings_.access_log && began_ == kNever) {
      began_ = loop_.now();
    }
    body_ = head.has_body ? BodyState::on_its_way : BodyState::ended;
    continue_wanted_ = head.expects_continue;
    head_only_ = head.method == "HEAD";
    body_bytes_ = 0;
  }

  /// The answer to the request at hand, if it can be put into the output now and nothing is to be waited for.
  bool answer_at_once(Response& response) {
    if (std::holds_alternative<detail::StreamBody>(body_of(response)) && !head_only_) {
      return false;
    }
    skip_body_at_hand();
    if (body_ != BodyState::ended || !decide(response)) {
      return false;
    }
    const std::optional<std::uint64_t> size = small_size(response);
    if (!size || head_size(response) + *size > output_.room()) {
      return false;
    }
    put_head(response);
    if (framing_.length == Length::known && !head_only_ && !put_small(response)) {
      return false;
    }
    finished(response.status());
    return true;
  }

  /// The same, whatever has to be waited for. False: the connection is to be closed.
  Coro<bool> answer(Response& response) {
    if (broken_) {
      abort();
      co_return false;
    }
    const bool streams = std::holds_alternative<detail::StreamBody>(body_of(response));
    if (!streams) {  // it may be made of the request's body
      skip_body_at_hand();
    }
    if (auto* const upgrade = std::get_if<detail::UpgradeBody>(&body_of(response))) {
      if (body_ == BodyState::ended && may_upgrade(upgrade->protocol)) {
        co_return co_await switch_protocol(response, *upgrade);
      }
      const std::string protocol = upgrade->protocol;
      response = Response::error(body_ == BodyState::ended ? 426 : 400);
      detail::ResponseAccess::fields(response).append("Upgrade: ").append(protocol).append("\r\n");
    }
    // A producer may read the body, and by then it would be too late to ask for it.
    if (streams && !head_only_ && continue_wanted_ && !co_await say_continue()) {
      co_return false;
    }
    const bool stays = decide(response);
    if (head_size(response) > Output::kCapacity) {
      log(LogLevel::error, "http: an answer's header is too large to be sent");
      response = application_.error(500, head().host);
      decide(response);
    }
    if (head_size(response) > output_.room() && !co_await flush()) {
      co_return false;
    }
    put_head(response);
    if (!head_only_ && framing_.length != Length::none && !co_await send_body(response)) {
      co_return false;
    }
    const bool skipped = !stays || body_ == BodyState::ended || co_await skip_body();
    finished(response.status());
    if (!skipped) {
      co_return false;
    }
    if (!stays) {
      if (!co_await flush()) {
        co_return false;
      }
      if (!wants_close_ || body_ != BodyState::ended || !input_.empty()) {
        co_await linger();
      }
    }
    co_return stays;
  }

  /// The answer to what is no request, and the end.
  Coro<bool> refuse(int status) {
    body_ = BodyState::failed;
    continue_wanted_ = false;
    head_only_ = false;
    Response response = application_.error(status, {});
    co_return co_await answer(response);
  }

  /// Waits for more of a head. The status to refuse it with, 0 if there is more, -1 if the client has gone.
  Coro<int> receive_head() {
    if (header_deadline_ == kNever) {
      header_deadline_ = time_after(loop_.now(), settings_.header_timeout);
      began_ = loop_.now();
    }
    input_ = Chunk();  // given back before the wait
    auto received = co_await peer_.recv_until(header_deadline_);
    if (received) {
      input_ = *std::move(received);
      co_return 0;
    }
    co_return received.error() == std::errc::timed_out ? 408 : -1;
  }

  /// Of the body of the request at hand, for whoever handles that.
  Coro<std::string_view> next() override {
    for (;;) {
      if (body_ == BodyState::ended) {
        co_return std::string_view();
      }
      if (body_ == BodyState::failed) {
        throw HttpError(body_status_);
      }
      const RequestParser::Step step = parse();
      switch (step.event) {
        case Event::body:
          body_bytes_ += step.body.size();
          co_return step.body;
        case Event::end:
          body_ = BodyState::ended;
          break;
        case Event::more:
          co_await receive_body();
          break;
        case Event::head:
        case Event::error:
          fail_body(parser_.status());
          break;
      }
    }
  }

  Coro<bool> flush() {
    if (output_.empty()) {
      co_return true;
    }
    const auto sent = co_await peer_.send_until(output_.pieces(), send_deadline());
    output_.clear();
    co_return sent.has_value();
  }

  /// What a handler has thrown, as an answer.
  Response failure_response(const std::exception_ptr& failure, const Request& request) {
    try {
      std::rethrow_exception(failure);
    } catch (const HttpError& error) {
      return Response::error(error.status(), error.what());
    } catch (...) {
      settings_.failures->note(loop_.now(), request, failure);
    }
    return application_.error(500, request.host());
  }

  [[nodiscard]] Connection& peer() noexcept { return peer_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

 private:
  static detail::ResponseBody& body_of(Response& response) noexcept {
    return detail::ResponseAccess::body(response);
  }

  void fail_body(int status) noexcept {
    body_ = BodyState::failed;
    body_status_ = status;
  }

  /// Before the input is given back: the views of the request at hand are still looked at.
  void keep_head() noexcept {
    if (parser_.head_is_in_input() && !head_.leased()) {
      head_ = std::move(input_);
    }
  }

  /// Puts into the output what a client waits for that has sent only a head. False: the connection has failed.
  Coro<bool> say_continue() {
    continue_wanted_ = false;
    if (output_.room() < kContinue.size() && !co_await flush()) {
      co_return false;
    }
    output_.append(kContinue);
    co_return true;
  }

  Coro<> receive_body() {
    if ((continue_wanted_ && !co_await say_continue()) || !co_await flush()) {
      fail_body(400);
      co_return;
    }
    // The time since the last one was the handler's, not the client's.
    body_began_ =
        body_began_ == kNever ? loop_.now() : body_began_ + (loop_.now() - body_received_);
    keep_head();
    input_ = Chunk();
    auto received = co_await peer_.recv_until(settings_.deadline(body_began_, body_bytes_));
    body_received_ = loop_.now();
    if (received) {
      input_ = *std::move(received);
    } else {
      fail_body(received.error() == std::errc::timed_out ? 408 : 400);
    }
  }

  /// As far as it has come already.
  void skip_body_at_hand() {
    while (body_ == BodyState::on_its_way && !input_.empty()) {
      const RequestParser::Step step = parse();
      body_bytes_ += step.body.size();
      if (step.event == Event::end) {
        body_ = BodyState::ended;
      } else if (step.event == Event::error) {
        fail_body(parser_.status());
      }
    }
  }

  /// After the answer. False: it wasn't worth it.
  Coro<bool> skip_body() {
    std::uint64_t skipped = 0;
    while (body_ == BodyState::on_its_way && skipped <= kSkippedBytes) {
      if (input_.empty()) {
        co_await receive_body();
      }
      skipped += input_.size();
      skip_body_at_hand();
    }
    if (body_ == BodyState::ended) {
      co_return true;
    }
    if (co_await flush()) {
      keep_head();
      co_await linger();
    }
    co_return false;
  }

  /// Settles what the head says of body and connection. False: this is the last answer.
  bool decide(const Response& response) {
    const RequestHead& head = this->head();
    const detail::ResponseBody& body = detail::ResponseAccess::body(response);
    framing_ = {};
    if (const auto* const view = std::get_if<std::string_view>(&body)) {
      framing_.size = view->size();
    } else if (const auto* const text = std::get_if<std::string>(&body)) {
      framing_.size = text->size();
    } else if (const auto* const file = std::get_if<detail::FileBody>(&body)) {
      framing_.size = file->after.size();
      for (const auto& part : file->parts) {
        framing_.size += part.before.size() + part.size;
      }
    } else {
      framing_.length = head.minor_version > 0 ? Length::chunked : Length::until_close;
    }
    if (is_bodiless(response.status())) {
      framing_.length = Length::none;
    }
    // Is the rest of the body worth waiting for? (One that waits for 100 may never come.)
    const bool body_stays =
        body_ == BodyState::ended || (body_ == BodyState::on_its_way && !continue_wanted_ &&
                                      (std::holds_alternative<detail::StreamBody>(body) ||
                                       parser_.body_left().value_or(0) <= kSkippedBytes));
    wants_close_ = body_ != BodyState::failed && !head.keep_alive;
    const bool stays = body_stays && head.keep_alive && framing_.length != Length::until_close &&
                       !(peer_.is_draining() && input_.empty());
    framing_.persistence = !stays                    ? Persistence::close
                           : head.minor_version == 0 ? Persistence::keep_said
                                                     : Persistence::keep;
    return stays;
  }

  [[nodiscard]] std::size_t head_size(const Response& response) const noexcept {
    return response_head_size(response, framing_, settings_.server_line);
  }

  void put_head(const Response& response) {
    begun_ = response.status();
    body_sent_ = 0;
    write_response_head(output_, response, framing_, settings_.server_line);
  }

  /// Of a body that goes into the output.
  std::optional<std::uint64_t> small_size(const Response& response) const noexcept {
    const detail::ResponseBody& body = detail::ResponseAccess::body(response);
    if (std::holds_alternative<detail::UpgradeBody>(body)) {
      return std::nullopt;
    }
    if (head_only_ || framing_.length == Length::none) {
      return 0;
    }
    if (std::holds_alternative<detail::FileBody>(body) && framing_.size > kReadBytes) {
      return std::nullopt;
    }
    return framing_.size;
  }

  /// False: the file has become shorter, and its head has gone into the output already.
  bool put_small(Response& response) {
    detail::ResponseBody& body = body_of(response);
    if (const auto* const view = std::get_if<std::string_view>(&body)) {
      output_.append(*view);
    } else if (const auto* const text = std::get_if<std::string>(&body)) {
      output_.append(*text);
    } else if (const auto* const file = std::get_if<detail::FileBody>(&body)) {
      for (const auto& part : file->parts) {
        output_.append(part.before);
        if (!read_into_output(*file->file, part.offset, part.size)) {
          broken_ = true;
          return false;
        }
      }
      output_.append(file->after);
    }
    return true;
  }

  bool read_into_output(const OpenFile& file, std::uint64_t offset, std::uint64_t size) {
    while (size > 0) {
      const MutableBytes space = output_.space();
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(space.size(), size));
      const ssize_t count = ::pread(file.fd(), space.data(), wanted, static_cast<off_t>(offset));
      if (count <= 0) {
        if (count < 0 && errno == EINTR) {
          continue;
        }
        return false;
      }
      output_.commit(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
      size -= static_cast<std::uint64_t>(count);
    }
    return true;
  }

  /// False: the connection is closed.
  Coro<bool> send_body(Response& response) {
    detail::ResponseBody& body = body_of(response);
    if (auto* const stream = std::get_if<detail::StreamBody>(&body)) {
      co_return co_await send_stream(*stream);
    }
    if (const auto* const file = std::get_if<detail::FileBody>(&body)) {
      for (const auto& part : file->parts) {
        if (!co_await send_text(part.before) || !co_await send_file(*file->file, part)) {
          co_return false;
        }
      }
      co_return co_await send_text(file->after);
    }
    const auto* const view = std::get_if<std::string_view>(&body);
    co_return co_await send_text(view != nullptr ? *view : std::get<std::string>(body));
  }

  /// What fits stays in the output; a long text is sent from where it lies.
  Coro<bool> send_text(std::string_view text) {
    if (text.size() <= output_.room()) {
      output_.append(text);
      co_return true;
    }
    while (!text.empty()) {
      const std::string_view slice = text.substr(0, kSlice);
      const auto sent =
          co_await peer_.send_until(output_.pieces(as_bytes(slice)),
                                    settings_.deadline(loop_.now(), output_.size() + slice.size()));
      output_.clear();
      if (!sent) {
        co_return false;
      }
      text.remove_prefix(slice.size());
      body_sent_ += slice.size();
    }
    co_return true;
  }

  Coro<bool> send_file(const OpenFile& file, const detail::FileBody::Part& part) {
    if (part.size <= kReadBytes && part.size <= output_.room()) {
      if (!read_into_output(file, part.offset, part.size)) {
        abort();
        co_return false;
      }
      co_return true;
    }
    if (!co_await flush()) {
      co_return false;
    }
    for (std::uint64_t sent = 0; sent < part.size;) {
      const std::uint64_t slice = std::min(part.size - sent, kSlice);
      const auto result = co_await peer_.send_file_until(file.fd(), part.offset + sent, slice,
                                                         settings_.deadline(loop_.now(), slice));
      if (!result) {
        abort();  // the only way to say that the rest is missing
        co_return false;
      }
      sent += slice;
      body_sent_ += slice;
    }
    co_return true;
  }

  /// A client that has gone cancels who makes the answer; what that throws cuts the connection off.
  Coro<bool> send_stream(detail::StreamBody& stream) {
    ChunkedWriter writer(peer_, output_, settings_, framing_.length == Length::chunked);
    std::exception_ptr failure;
    const auto watch = [this](TaskGroup& group) -> Coro<> {
      static_cast<void>(co_await peer_.closed());
      group.cancel("the client has gone");
    };
    const auto produce = [&](TaskGroup& group) -> Coro<> {
      Task<> watching = group.spawn(watch, std::ref(group));
      co_await stream.produce(writer);
      writer.produced();
      watching.cancel("the answer is complete");
    };
    try {
      co_await with_group(produce);
    } catch (const Cancelled&) {
      body_sent_ = writer.bytes();
      abort();  // where the end of the connection is that of the body it mustn't be an orderly one
      throw;
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
    if (failure) {
      Request request(parser_.request(), *this, peer_.peer(), &peer_);
      settings_.failures->note(loop_.now(), request, failure);
    }
    framing_.size = body_sent_ = writer.bytes();
    if (!writer.complete()) {
      abort();
      co_return false;
    }
    co_return co_await writer.end();
  }

  // Bytes that nobody reads turn a close into a reset, which can destroy the last answer on its way to
  // the client. So only this side is closed, and what the client still sends is dropped for a while.
  Coro<> linger() {
    if (peer_.shutdown()) {
      co_return;
    }
    const TimePoint deadline = time_after(loop_.now(), kLingerTime);
    for (std::size_t dropped = 0; dropped < kLingerBytes;) {
      input_ = Chunk();
      auto received = co_await peer_.recv_until(deadline);
      if (!received) {
        break;
      }
      input_ = *std::move(received);
      dropped += input_.size();
    }
  }

  [[nodiscard]] bool may_upgrade(std::string_view protocol) const {
    return head().minor_version > 0 && lists(head(), "connection", "upgrade") &&
           lists(head(), "upgrade", protocol);
  }

  /// The connection belongs to whoever speaks the other protocol, until the end.
  Coro<bool> switch_protocol(const Response& response, detail::UpgradeBody& upgrade) {
    framing_ = {.persistence = Persistence::upgrade,
                .length = Length::none,
                .size = 0,
                .upgrade_to = upgrade.protocol};
    if (head_size(response) > output_.room() && !co_await flush()) {
      co_return false;
    }
    put_head(response);
    if (!co_await flush()) {
      co_return false;
    }
    // Whoever serves may look at the request still: what is given back must not be what that lies in.
    Chunk head = std::move(head_);
    finished(response.status());
    if (!input_.empty()) {
      Chunk rest = Chunk::lease();
      const std::string_view text = input_.text();
      std::memcpy(rest.space().data(), text.data(), text.size());
      rest.commit(text.size());
      peer_.unread(std::move(rest));
    }
    co_await upgrade.serve(peer_);
    co_return false;
  }

  void abort() noexcept { peer_.close(Stream::CloseMode::abort); }

  void finished(int status) noexcept {
    if (settings_.access_log) {
      settings_.access_log->note(
          {.peer = peer_.peer(),
           .head = head(),
           .status = status,
           .bytes = head_only_ || framing_.length == Length::none ? 0 : framing_.size,
           .took = began_ == kNever ? Duration::zero() : loop_.exact_now() - began_,
           .secure = peer_.tls() != nullptr});
    }
    begun_ = 0;
    began_ = kNever;
    header_deadline_ = kNever;
    body_began_ = kNever;
    has_head_ = false;
    head_ = Chunk();  // what the next one lies in is another
  }

  Connection& peer_;
  const Settings& settings_;
  Application& application_;
  Loop& loop_;
  RequestParser parser_;
  Output output_;
  Chunk input_;
  Chunk head_;  // what the head at hand lies in, once input_ is behind it

  // Of the request at hand; the times are kNever before they are needed.
  TimePoint began_ = kNever;
  TimePoint header_deadline_ = kNever;
  TimePoint body_began_ = kNever;
  TimePoint body_received_ = kNever;
  std::uint64_t body_bytes_ = 0;
  ResponseFraming framing_;
  std::uint64_t body_sent_ = 0;  // of the answer at hand, at least
  int begun_ = 0;                // its status, from its head on until it has ended
  int body_status_ = 0;
  BodyState body_ = BodyState::ended;
  bool has_head_ = false;
  bool asked_ = false;
  bool continue_wanted_ = false;
  bool head_only_ = false;
  bool wants_close_ = false;
  bool broken_ = false;
};

}  // namespace

Coro<bool> converse(Connection& peer, const Subject& subject, Duration idle_timeout, Chunk input) {
  Conversation talk(peer, subject, std::move(input));
  Application& application = *subject.application;
  std::uint32_t at_once = 0;  // answers in a row, without a wait
  TimePoint since;            // the first of them
  for (;;) {
    switch (talk.parse().event) {
      case Event::head:
        break;
      case Event::body:  // what is left of one that nobody wanted
      case Event::end:
        continue;
      case Event::error:
        co_return co_await talk.refuse(talk.parser().status());
      case Event::more: {
        at_once = 0;
        // Everything that had arrived is answered: now the answers leave, all at once. Nothing is read
        // meanwhile, so a client that doesn't take its answers can't ask for more.
        if (!talk.output().empty()) {
          const auto sent = co_await peer.send_until(talk.output().pieces(), talk.send_deadline());
          talk.output().clear();
          if (!sent) {
            co_return false;
          }
        }
        // Empty lines alone are no request: they must not keep the connection for ever.
        if (talk.parser().idle() && talk.asked()) {
          co_return true;
        }
        const int status = co_await talk.receive_head();
        if (status != 0) {
          co_return status > 0 && co_await talk.refuse(status);
        }
        continue;
      }
    }

    talk.begin();
    Request request(talk.parser().request(), talk, peer.peer(), &peer);
    std::optional<Response> response;
    std::exception_ptr failure;
    try {
      response = application.respond_at_once(request);
      if (!response) {
        peer.set_idle_timeout(idle_timeout);
        response = co_await application.respond(request);
      }
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) {
      response = talk.failure_response(failure, request);
    }
    if (talk.answer_at_once(*response)) {
      // Some take long to make, a folder's listing for example, and a packet has room for hundreds of requests.
      if (at_once++ == 0) {
        since = talk.loop().now();
      } else if (at_once % kLookAtClock == 0 && talk.loop().exact_now() - since > kLongestTurn) {
        at_once = 0;
        co_await yield_now();
      }
      continue;
    }
    peer.set_idle_timeout(idle_timeout);
    if (!co_await talk.answer(*response)) {
      co_return false;
    }
  }
}

}  // namespace simul::http
