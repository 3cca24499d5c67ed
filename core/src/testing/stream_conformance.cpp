#include <simul/testing/stream_conformance.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/cancel_scope.hpp>
#include <simul/cancelled.hpp>
#include <simul/exception_group.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

namespace simul {
namespace {

constexpr Duration kMoment = std::chrono::milliseconds(1);

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void expect(bool holds, const std::string& otherwise) {
  if (!holds) {
    throw Broken(otherwise);
  }
}

std::string name_of(const std::error_code& error) {
  return error ? "'" + error.message() + "'" : "no error";
}

void expect_error(const std::error_code& error, const std::error_code& wanted,
                  const std::string& where) {
  expect(error == wanted, where + " gives " + name_of(error) + ", not " + name_of(wanted));
}

template <typename T>
void expect_success(const std::expected<T, std::error_code>& result, const std::string& where) {
  expect(result.has_value(), where + " fails: " + (result ? "" : name_of(result.error())));
}

template <typename T>
std::error_code error_of(const std::expected<T, std::error_code>& result) {
  return result ? std::error_code() : result.error();
}

/// Bytes that show where one is missing or doubled.
std::string pattern(std::size_t size, std::size_t offset = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t n = offset + i;
    text[i] = static_cast<char>((n * 31 + (n >> 8) * 7 + (n >> 16)) & 0xff);
  }
  return text;
}

void expect_same(std::string_view got, std::string_view wanted) {
  const auto differ = std::ranges::mismatch(got, wanted);
  expect(got == wanted, "the bytes differ from those that were sent at offset " +
                            std::to_string(differ.in1 - got.begin()) + " (" +
                            std::to_string(got.size()) + " came, " + std::to_string(wanted.size()) +
                            " were sent)");
}

Coro<> settle() {
  for (int i = 0; i < 20; ++i) {
    co_await yield_now();
  }
}

Coro<> send_text(Stream& stream, std::string text) {
  const auto sent = co_await stream.send(text);
  expect_success(sent, "send");
}

Coro<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    auto chunk = co_await stream.recv();
    expect_success(chunk, "recv");
    expect(!chunk->empty(), "recv gives no bytes and no error");
    text += chunk->text();
  }
  expect(text.size() == size, "more bytes come than were sent");
  co_return text;
}

/// Everything up to the end of the stream, which must be a clean one.
Coro<std::string> read_to_end(Stream& stream) {
  std::string text;
  for (;;) {
    auto chunk = co_await stream.recv();
    if (!chunk) {
      expect_error(chunk.error(), Errc::end_of_stream, "recv at the end");
      co_return text;
    }
    expect(!chunk->empty(), "recv gives no bytes and no error");
    text += chunk->text();
  }
}

Coro<> expect_text(Stream& stream, std::string wanted) {
  const std::string got = co_await read_exactly(stream, wanted.size());
  expect_same(got, wanted);
}

Coro<> expect_end(Stream& stream, std::string wanted) {
  const std::string got = co_await read_to_end(stream);
  expect_same(got, wanted);
}

Coro<> both(Coro<> one, Coro<> other) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    group.spawn(std::move(one));
    co_await std::move(other);
  };
  co_await with_group(body);
}

/// Sends there and expects it here, at the same time: nothing need be buffered.
Coro<> transfer(Stream& from, Stream& to, const std::string& text) {
  return both(send_text(from, text), expect_text(to, text));
}

/// Sends a text by all ways there are, in pieces of all sizes.
Coro<> send_in_all_ways(Stream& stream, std::string text) {
  Bytes left = as_bytes(text);
  for (std::size_t round = 1; !left.empty(); ++round) {
    const Bytes part = left.first(std::min(left.size(), round * round * 37 % 40'000 + 1));
    left = left.subspan(part.size());
    if (round % 3 == 0) {
      const auto sent = co_await stream.send(part);
      expect_success(sent, "send");
    } else if (round % 3 == 1) {
      const std::array<Bytes, 4> pieces = {part.first(part.size() / 3), Bytes(),
                                           part.subspan(part.size() / 3), Bytes()};
      const auto sent = co_await stream.send(pieces);
      expect_success(sent, "send of several pieces");
    } else {
      for (Bytes rest = part; !rest.empty();) {
        const auto some = co_await stream.send_some(rest);
        expect_success(some, "send_some");
        expect(*some > 0 && *some <= rest.size(), "send_some says that it sent " +
                                                      std::to_string(*some) + " of " +
                                                      std::to_string(rest.size()) + " bytes");
        rest = rest.subspan(*some);
      }
    }
  }
}

/// Sends until it would block for longer than a moment, by send_some, which is cancel-safe.
Coro<std::size_t> fill(Stream& stream, std::string_view text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    auto once = [&]() -> Coro<std::size_t> {
      const auto some = co_await stream.send_some(as_bytes(text).subspan(sent));
      expect_success(some, "send_some");
      co_return *some;
    };
    const auto some = co_await move_on_after(kMoment, once);
    if (!some) {
      break;
    }
    sent += *some;
  }
  expect(sent == stream.bytes_accepted(),
         "a cancelled send_some has sent bytes, or bytes_accepted() is wrong");
  co_return sent;
}

struct Ends {
  Stream& a;
  Stream& b;
  const ConformanceOptions& options;
};

// --- the rules -----------------------------------------------------------------------------------

Coro<> whole_and_in_order(Ends ends) {
  const std::string there = pattern(ends.options.volume);
  const std::string back = pattern(ends.options.volume, 1'000'003);
  auto body = [&](TaskGroup& group) -> Coro<> {
    group.spawn(send_in_all_ways(ends.a, there));
    group.spawn(send_in_all_ways(ends.b, back));
    group.spawn(expect_text(ends.a, back));
    group.spawn(expect_text(ends.b, there));
    co_return;
  };
  co_await with_group(body);
  for (Stream* stream : {&ends.a, &ends.b}) {
    expect(stream->bytes_accepted() == there.size() && stream->bytes_received() == there.size(),
           "the counts of bytes are wrong");
  }
}

Coro<> recv_fills_what_it_is_given(Ends ends) {
  const std::string text = pattern(std::min<std::size_t>(ends.options.volume, 2'000));
  auto read = [&]() -> Coro<> {
    constexpr char kUntouched = '\x5a';
    std::array<char, 16> buffer{};
    std::string got;
    for (std::size_t round = 0; got.size() < text.size(); ++round) {
      const std::size_t room = round % 7 + 1;
      buffer.fill(kUntouched);
      const auto count =
          co_await ends.b.recv(std::as_writable_bytes(std::span(buffer).first(room)));
      expect_success(count, "recv");
      expect(*count > 0, "recv gives no bytes and no error");
      expect(*count <= room, "recv gives more bytes than there is room for");
      expect(std::ranges::all_of(std::span(buffer).subspan(*count),
                                 [](char c) { return c == kUntouched; }),
             "recv writes where it was not told to, or doesn't count all");
      got.append(buffer.data(), *count);
    }
    expect_same(got, text);
  };
  co_await both(send_text(ends.a, text), read());
}

Coro<> news_after_the_last_byte(Ends ends) {
  // A stream that says "drained" spares the next attempt: then it has to report what comes later.
  for (int round = 0; round < 50; ++round) {
    co_await transfer(ends.a, ends.b, "ping");
    for (int turns = 0; turns < round % 4; ++turns) {
      co_await yield_now();
    }
    co_await transfer(ends.b, ends.a, "pong");
  }
}

Coro<> end_after_all_bytes(Ends ends) {
  auto send_and_end = [&]() -> Coro<> {
    co_await send_text(ends.a, "last words");
    expect_error(ends.a.shutdown(), {}, "shutdown");
  };
  co_await both(send_and_end(), expect_end(ends.b, "last words"));
  auto again = co_await ends.b.recv();
  expect_error(error_of(again), Errc::end_of_stream, "recv after the end");
  std::array<std::byte, 8> buffer{};
  const auto once_more = co_await ends.b.recv(buffer);
  expect_error(error_of(once_more), Errc::end_of_stream, "recv after the end");
}

Coro<> end_for_who_waits(Ends ends) {
  auto end_later = [&]() -> Coro<> {
    co_await settle();
    expect_error(ends.a.shutdown(), {}, "shutdown");
  };
  co_await both(end_later(), expect_end(ends.b, ""));
}

Coro<> close_ends_the_stream(Ends ends) {
  auto send_and_close = [&]() -> Coro<> {
    co_await send_text(ends.a, "bye");
    ends.a.close();
  };
  co_await both(send_and_close(), expect_end(ends.b, "bye"));
}

Coro<> half_close(Ends ends) {
  expect_error(ends.a.shutdown(), {}, "shutdown");
  co_await expect_end(ends.b, "");
  co_await transfer(ends.b, ends.a, pattern(ends.options.volume / 4));
  auto end_other = [&]() -> Coro<> {
    expect_error(ends.b.shutdown(), {}, "shutdown");
    co_return;
  };
  co_await both(expect_end(ends.a, ""), end_other());
  const auto sent = co_await ends.a.send("no");
  expect(!sent, "send after the stream's own shutdown succeeds");
}

Coro<> unread_first(Ends ends) {
  std::string got;
  auto read = [&]() -> Coro<> {
    auto chunk = co_await ends.b.recv();
    expect_success(chunk, "recv");
    got = chunk->text();
    ends.b.unread(std::move(*chunk));
    std::array<std::byte, 1> one{};
    const auto count = co_await ends.b.recv(one);
    expect_success(count, "recv");
    expect(*count == 1 && as_text(one) == got.substr(0, 1), "unread bytes don't come first");
    const std::string rest = co_await read_exactly(ends.b, 9);
    expect_same(as_text(one).data()[0] + rest, "line\nrest!");
  };
  co_await both(send_text(ends.a, "line\nrest!"), read());
}

template <typename Operation>
Coro<> expect_refusal(Operation operation, const char* what) {
  bool refused = false;
  try {
    (void)co_await operation();
  } catch (const std::logic_error&) {
    refused = true;
  }
  expect(refused, std::string("a second ") + what + " at once is no error");
}

Coro<> one_reader(Ends ends) {
  auto first = [&]() -> Coro<> { co_await expect_text(ends.a, "x"); };
  auto second = [&]() -> Coro<> {
    co_await settle();
    auto recv = [&] { return ends.a.recv(); };
    co_await expect_refusal(recv, "reader");
    co_await send_text(ends.b, "x");
  };
  co_await both(first(), second());
}

Coro<> one_writer(Ends ends) {
  const std::string much(ends.options.too_much, 'x');
  auto write = [&]() -> Coro<> { (void)co_await ends.a.send(much); };
  auto body = [&](TaskGroup& group) -> Coro<> {
    Task<> writer = group.spawn(write());
    co_await settle();
    expect(!writer.done(), "a send is done that nobody has read");
    auto send = [&] { return ends.a.send_some(as_bytes("y")); };
    co_await expect_refusal(send, "writer");
    group.cancel();
  };
  co_await with_group(body);
}

Coro<> closed_waits_for_both(Ends ends) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    std::array<std::error_code, 2> why;
    auto watch = [&](Stream& stream, std::size_t i) -> Coro<> {
      why[i] = co_await stream.closed();
    };
    Task<> here = group.spawn(watch(ends.a, 0));
    Task<> there = group.spawn(watch(ends.b, 1));
    co_await settle();
    expect(!here.done() && !there.done(), "closed() ends before the connection does");
    expect_error(ends.a.shutdown(), {}, "shutdown");
    co_await settle();
    expect(!here.done() && !there.done(), "closed() takes a half-close for the end");
    expect_error(ends.b.shutdown(), {}, "shutdown");
    co_await here;
    co_await there;
    expect_error(why[0], Errc::end_of_stream, "closed()");
    expect_error(why[1], Errc::end_of_stream, "closed()");
  };
  co_await with_group(body);
}

Coro<> closed_is_cancel_safe(Ends ends) {
  auto watch = [&]() -> Coro<> { (void)co_await ends.b.closed(); };
  for (int i = 0; i < 4; ++i) {
    const bool gone = co_await move_on_after(kMoment, watch);
    expect(!gone, "closed() ends before the connection does");
    if (i == 2) {
      expect_error(ends.a.shutdown(), {}, "shutdown");
    }
  }
  expect_error(ends.b.shutdown(), {}, "shutdown");
  const std::error_code why = co_await ends.b.closed();
  expect_error(why, Errc::end_of_stream, "closed()");
}

Coro<> close_wakes_all(Ends ends) {
  const std::string much(ends.options.too_much, 'x');
  auto body = [&](TaskGroup& group) -> Coro<> {
    std::array<std::error_code, 3> why;
    auto read = [&]() -> Coro<> {
      const auto chunk = co_await ends.a.recv();
      why[0] = error_of(chunk);
    };
    auto write = [&]() -> Coro<> {
      const auto sent = co_await ends.a.send(much);
      why[1] = error_of(sent);
    };
    auto watch = [&]() -> Coro<> { why[2] = co_await ends.a.closed(); };
    std::array<Task<>, 3> tasks = {group.spawn(read()), group.spawn(write()), group.spawn(watch())};
    co_await settle();
    for (const Task<>& task : tasks) {
      expect(!task.done(), "an operation ends though there is nothing to end it");
    }
    ends.a.close();
    for (Task<>& task : tasks) {
      co_await task;
    }
    expect_error(why[0], Errc::closed, "recv during a close");
    expect_error(why[1], Errc::closed, "send during a close");
    expect_error(why[2], Errc::closed, "closed() during a close");
  };
  co_await with_group(body);
}

Coro<> closed_for_ever(Ends ends) {
  ends.a.close();
  ends.a.close();
  ends.a.close(Stream::CloseMode::abort);
  const auto chunk = co_await ends.a.recv();
  expect_error(error_of(chunk), Errc::closed, "recv after close");
  const auto sent = co_await ends.a.send("x");
  expect_error(error_of(sent), Errc::closed, "send after close");
  const auto some = co_await ends.a.send_some(as_bytes("x"));
  expect_error(error_of(some), Errc::closed, "send_some after close");
  const std::error_code why = co_await ends.a.closed();
  expect_error(why, Errc::closed, "closed() after close");
  expect_error(ends.a.shutdown(), Errc::closed, "shutdown after close");
}

Coro<> sends_to_a_closed_peer_fail(Ends ends) {
  ends.b.close();
  const std::string some(1'000, 'x');
  for (int i = 0; i < 100'000; ++i) {
    const auto sent = co_await ends.a.send(some);
    if (!sent) {
      expect(sent.error() != Errc::closed, "a send says closed, but that was the peer");
      co_return;
    }
    co_await yield_now();
  }
  throw Broken("sends to a peer that has closed go on and on");
}

Coro<> abort_is_no_clean_end(Ends ends) {
  auto read = [&]() -> Coro<> {
    std::error_code error;
    for (int i = 0; i < 2; ++i) {
      do {
        const auto chunk = co_await ends.b.recv();
        error = error_of(chunk);
      } while (!error);
      expect(error != Errc::end_of_stream, "a reset looks like a clean end to the reader");
      expect(error != Errc::closed, "a reset by the peer looks like an own close");
    }
    const auto sent = co_await ends.b.send("x");
    expect(!sent, "a send succeeds after a reset");
    const std::error_code why = co_await ends.b.closed();
    expect(static_cast<bool>(why) && why != Errc::end_of_stream,
           "closed() takes a reset for a clean end");
  };
  auto abort = [&]() -> Coro<> {
    co_await settle();
    ends.a.close(Stream::CloseMode::abort);
  };
  co_await both(abort(), read());
}

Coro<> cancelled_recv_loses_nothing(Ends ends) {
  const std::string all = pattern(std::min<std::size_t>(ends.options.volume, 3'000));
  std::string got;
  std::size_t sent = 0;
  for (std::size_t round = 0; got.size() < all.size(); ++round) {
    auto read = [&]() -> Coro<> {
      for (;;) {
        const auto chunk = co_await ends.b.recv();
        expect_success(chunk, "recv");
        got += chunk->text();
      }
    };
    auto body = [&](TaskGroup& group) -> Coro<> {
      group.spawn(read());
      for (std::size_t i = 0; i < round % 4; ++i) {
        co_await yield_now();
      }
      const Bytes part = as_bytes(all).subspan(sent, std::min(1 + round % 97, all.size() - sent));
      if (!part.empty()) {
        auto once = [&]() -> Coro<std::size_t> {
          const auto some = co_await ends.a.send_some(part);
          expect_success(some, "send_some");
          co_return *some;
        };
        const auto some = co_await move_on_after(kMoment, once);
        sent += some.value_or(0);
      }
      for (std::size_t i = 0; i < round % 3; ++i) {
        co_await yield_now();
      }
      if (round % 5 == 0 || part.empty()) {
        co_await sleep(kMoment);
      }
      group.cancel();
    };
    co_await with_group(body);
  }
  expect_same(got, all);
}

Coro<> cancelled_send_some_sends_nothing(Ends ends) {
  const std::string much = pattern(ends.options.too_much);
  const std::size_t sent = co_await fill(ends.a, much);
  expect(sent < much.size(), "there is no limit to what it holds");
  co_await expect_text(ends.b, much.substr(0, sent));
  co_await transfer(ends.a, ends.b, "nothing is broken");
}

Coro<> send_cut_off_poisons(Ends ends) {
  const std::string much = pattern(ends.options.too_much);
  auto send = [&]() -> Coro<> { (void)co_await ends.a.send(much); };
  const bool whole = co_await move_on_after(kMoment, send);
  expect(!whole, "there is no limit to what it holds");
  const std::uint64_t accepted = ends.a.bytes_accepted();
  if (accepted == 0) {  // then nothing is broken
    co_await transfer(ends.a, ends.b, "whole");
    co_return;
  }
  const auto later = co_await ends.a.send("garbage");
  expect_error(error_of(later), Errc::broken_stream, "send after one that was cut off");
  const auto some = co_await ends.a.send_some(as_bytes("garbage"));
  expect_error(error_of(some), Errc::broken_stream, "send_some after a send that was cut off");
  co_await expect_text(ends.b, much.substr(0, accepted));
  co_await transfer(ends.b, ends.a, "reading goes on");
  ends.a.close();
  co_await expect_end(ends.b, "");
}

Coro<> send_cut_off_before_a_byte(Ends ends) {
  const std::string much = pattern(ends.options.too_much);
  std::size_t sent = co_await fill(ends.a, much);
  auto send = [&]() -> Coro<> { (void)co_await ends.a.send(as_bytes(much).subspan(sent, 1)); };
  if (co_await move_on_after(kMoment, send)) {
    ++sent;  // there was room again
  }
  expect(ends.a.bytes_accepted() == sent, "a cancelled send of one byte has sent it");
  co_await expect_text(ends.b, much.substr(0, sent));
  co_await transfer(ends.a, ends.b, "z");
}

void expect_timed_out(const std::error_code& error, const std::string& where) {
  expect(error == std::errc::timed_out, where + " gives " + name_of(error) + " and no time-out");
}

Coro<> recv_under_a_deadline(Ends ends) {
  const TimePoint first = time_after(Loop::current().exact_now(), kMoment);
  const auto nothing = co_await ends.b.recv_until(first);
  expect_timed_out(error_of(nothing), "recv under a deadline with nothing to receive");
  const std::string text = pattern(std::min<std::size_t>(ends.options.volume, 2'000));
  auto send_slowly = [&]() -> Coro<> {
    for (std::size_t sent = 0, round = 1; sent < text.size(); ++round) {
      const std::string part = text.substr(sent, round * 13 % 300 + 1);
      sent += part.size();
      co_await send_text(ends.a, part);
      round % 3 == 0 ? co_await sleep(kMoment) : co_await settle();
    }
  };
  auto read = [&]() -> Coro<> {
    std::string got;
    for (std::size_t round = 0; got.size() < text.size(); ++round) {
      const TimePoint deadline = time_after(Loop::current().exact_now(), kMoment * (round % 3) / 2);
      const auto chunk = co_await ends.b.recv_until(deadline);
      if (chunk) {
        got += chunk->text();
      } else {
        expect_timed_out(chunk.error(), "recv under a deadline");
      }
    }
    expect_same(got, text);
  };
  co_await both(send_slowly(), read());
}

Coro<> send_under_a_deadline(Ends ends) {
  const std::string much = pattern(ends.options.too_much);
  const auto sent =
      co_await ends.a.send_until(much, time_after(Loop::current().exact_now(), kMoment));
  expect_timed_out(error_of(sent), "send under a deadline of more than can be sent");
  const std::uint64_t accepted = ends.a.bytes_accepted();
  if (accepted == 0) {  // then nothing is broken
    co_await transfer(ends.a, ends.b, "whole");
    co_return;
  }
  const auto later = co_await ends.a.send("garbage");
  expect_error(error_of(later), Errc::broken_stream, "send after one that timed out");
  co_await expect_text(ends.b, much.substr(0, accepted));
  co_await transfer(ends.b, ends.a, "reading goes on");
}

Coro<> sending_nothing(Ends ends) {
  const auto sent = co_await ends.a.send("");
  expect_success(sent, "send of nothing");
  const auto some = co_await ends.a.send_some(Bytes());
  expect_success(some, "send_some of nothing");
  expect(*some == 0, "send_some of nothing sends something");
  const std::array<Bytes, 3> empty{};
  const auto pieces = co_await ends.a.send(empty);
  expect_success(pieces, "send of empty pieces");
  co_await transfer(ends.a, ends.b, "something");
}

Coro<> attempts_tell_the_truth(Ends ends) {
  std::array<std::byte, 8> buffer{};
  const IoResult nothing = ends.b.try_recv(buffer);
  expect(nothing.bytes == 0 && !nothing.error && nothing.blocked != Interest::none,
         "try_recv with nothing to receive doesn't say that it would block");
  const IoResult open = ends.b.try_closed();
  expect(!open.error && open.blocked != Interest::none,
         "try_closed of an open stream doesn't say that it would block");
  co_await transfer(ends.a, ends.b, "x");
}

struct Rule {
  const char* name;
  Coro<> (*check)(Ends ends);
  bool ConformanceOptions::* only_if = nullptr;
};

constexpr std::array kRules = {
    Rule{"an attempt that can do nothing says that it would block", attempts_tell_the_truth},
    Rule{"recv gives at least a byte and at most what there is room for",
         recv_fills_what_it_is_given},
    Rule{"what comes after the last byte is noticed", news_after_the_last_byte},
    Rule{"bytes arrive whole and in order, in both directions at once", whole_and_in_order},
    Rule{"sending nothing is done at once", sending_nothing},
    Rule{"unread bytes come first", unread_first},
    Rule{"a second reader at once is an error", one_reader},
    Rule{"a second writer at once is an error", one_writer},
    Rule{"the end of the stream comes after all bytes, and again", end_after_all_bytes,
         &ConformanceOptions::half_close},
    Rule{"the end of the stream wakes who waits", end_for_who_waits,
         &ConformanceOptions::half_close},
    Rule{"a half-close leaves the other direction open", half_close,
         &ConformanceOptions::half_close},
    Rule{"a close ends the stream for the peer, after all bytes", close_ends_the_stream},
    Rule{"closed() waits for the end of both directions", closed_waits_for_both,
         &ConformanceOptions::half_close},
    Rule{"closed() can be cancelled and awaited again", closed_is_cancel_safe,
         &ConformanceOptions::half_close},
    Rule{"close wakes all who wait, with Errc::closed", close_wakes_all},
    Rule{"after a close everything says closed", closed_for_ever},
    Rule{"sends to a peer that has closed fail at last", sends_to_a_closed_peer_fail},
    Rule{"an abort is an error for the peer and no clean end", abort_is_no_clean_end,
         &ConformanceOptions::abort_resets},
    Rule{"a cancelled recv loses nothing", cancelled_recv_loses_nothing},
    Rule{"a cancelled send_some sends nothing", cancelled_send_some_sends_nothing},
    Rule{"a send that is cut off poisons the stream", send_cut_off_poisons},
    Rule{"a send that is cut off before its first byte poisons nothing",
         send_cut_off_before_a_byte},
    Rule{"a recv waits no longer than its deadline, and loses nothing", recv_under_a_deadline},
    Rule{"a send waits no longer than its deadline, which cuts it off", send_under_a_deadline},
};

Coro<> check_rule(const Rule& rule, const std::function<Coro<StreamPair>()>& make, bool exchanged,
                  const ConformanceOptions& options) {
  StreamPair pair = co_await make();
  if (exchanged) {
    std::swap(pair.near, pair.far);
  }
  std::string broken;
  auto check = [&]() -> Coro<> { return rule.check({*pair.near, *pair.far, options}); };
  try {
    if (!co_await move_on_after(options.patience, check)) {
      broken = "it never ends";
    }
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    broken = describe(std::current_exception());
  }
  if (!broken.empty()) {
    throw ConformanceError(rule.name, broken);
  }
}

}  // namespace

ConformanceError::ConformanceError(std::string rule, const std::string& what)
    : std::logic_error("broken rule: " + rule + ": " + what), rule_(std::move(rule)) {}

ConformanceError::~ConformanceError() = default;

Coro<> check_stream_conformance(std::function<Coro<StreamPair>()> make,
                                ConformanceOptions options) {
  for (const Rule& rule : kRules) {
    if (rule.only_if != nullptr && !(options.*rule.only_if)) {
      continue;
    }
    for (const bool exchanged : {false, true}) {
      co_await check_rule(rule, make, exchanged, options);
    }
  }
}

}  // namespace simul
