#include <simul/watch_channel.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Coro<std::string> see_all(WatchReceiver<int> receiver) {
  Trace trace;
  while (co_await receiver.changed()) {
    trace(std::to_string(receiver.get()));
  }
  co_return trace.text();
}

}  // namespace

TEST_SUITE("watch_channel") {
  TEST_CASE("every receiver sees the latest value, and not the ones between") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = watch_channel(0);
      CHECK(receiver.get() == 0);
      CHECK(receiver.version() == 0);
      Task<std::string> first = spawn(see_all(receiver));
      sender.send(1);
      Task<std::string> second = spawn(see_all(sender.subscribe()));
      co_await settle();
      sender.send(2);
      sender.send(3);
      CHECK(receiver.version() == 3);
      CHECK(sender.receivers() == 3);
      co_await settle();
      sender.send(4);
      sender = {};  // the last value is seen before the end
      CHECK(co_await first == "1 3 4");
      CHECK(co_await second == "3 4");
      CHECK(receiver.get() == 4);
      CHECK((co_await receiver.changed()).error() == Errc::closed);
    });
  }

  TEST_CASE("what was got counts as seen, and so does what was reported") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = watch_channel<std::string>("a");
      sender.send("b");
      CHECK((co_await receiver.changed()).has_value());
      sender.send("c");
      WatchReceiver<std::string> copy = receiver;
      CHECK(receiver.get() == "c");
      auto waits = [](WatchReceiver<std::string>& in) -> Coro<> { (void)co_await in.changed(); };
      auto first = [&]() -> Coro<> { co_await waits(receiver); };
      auto second = [&]() -> Coro<> { co_await waits(copy); };
      CHECK_FALSE(co_await move_on_after(1s, first));
      CHECK(co_await move_on_after(1s, second));  // a copy sees for itself
      CHECK_FALSE(co_await move_on_after(1s, second));
    });
  }

  TEST_CASE("close, or the last sender's end, tells all that wait") {
    run_virtual([]() -> Coro<> {
      for (const bool drop : {false, true}) {
        auto [sender, receiver] = watch_channel(0);
        WatchSender<int> copy = sender;
        sender = {};
        Task<std::string> first = spawn(see_all(receiver));
        Task<std::string> second = spawn(see_all(receiver));
        co_await settle();
        CHECK_FALSE(first.done());
        drop ? void(copy = {}) : copy.close();
        CHECK(co_await first == "");
        CHECK(co_await second == "");
      }
    });
  }

  TEST_CASE("a value may hold the last end of its own channel") {
    struct Value {
      std::shared_ptr<WatchReceiver<Value>> end;
    };
    auto [sender, receiver] = watch_channel(Value());
    sender.send({std::make_shared<WatchReceiver<Value>>(sender.subscribe())});
    CHECK(sender.receivers() == 2);
    sender.send({});
    CHECK(sender.receivers() == 1);
  }

  TEST_CASE("a receiver belongs to one task at a time") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = watch_channel(0);
      Task<> first = spawn(
          [](WatchReceiver<int>& from) -> Coro<> { CHECK((co_await from.changed()).has_value()); },
          std::ref(receiver));
      co_await settle();
      bool refused = false;
      try {
        (void)co_await receiver.changed();
      } catch (const std::logic_error&) {
        refused = true;
      }
      CHECK(refused);
      sender.send(1);
      co_await first;
    });
  }

  TEST_CASE("cut anywhere, a change that wasn't reported stays unseen") {
    const std::size_t cuts = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = watch_channel(0);
      Task<std::string> other = spawn(see_all(receiver));
      Task<> sending = spawn(
          [](WatchSender<int> to) -> Coro<> {
            for (int i = 1; i <= 4; ++i) {
              to.send(i);
              co_await sleep(1s);
            }
          },
          std::move(sender));
      std::uint64_t reported = 0;
      auto observe = [&]() -> Coro<> {
        while (co_await receiver.changed()) {
          const auto value = static_cast<std::uint64_t>(receiver.get());
          CHECK(value > reported);
          reported = value;
        }
      };
      co_await cut.run(observe);
      co_await observe();
      CHECK(reported == 4);
      CHECK(co_await other == "1 2 3 4");
      co_await sending;
    });
    CHECK(cuts > 5);
  }
}
