#include "inspect/top_command.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <tuple>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <simul/units.hpp>

#include "exit_status.hpp"
#include "inspect/inspector_client.hpp"
#include "inspect/processes.hpp"
#include "inspect/terminal.hpp"
#include "inspect/top_view.hpp"

namespace simul::cli {
namespace {

using namespace std::chrono_literals;

/// Rates need two looks: so soon the second one follows.
constexpr Duration kFirstInterval = 300ms;

/// Asks, draws and listens to the keys, until the user has seen enough.
class TopScreen {
 public:
  TopScreen(InspectorClient& client, TopView& view, Duration interval)
      : client_(client), view_(view), interval_(interval) {}

  void run() {
    view_.draw(terminal_);
    ask();
    while (true) {
      wait();
      if (asked_) {
        if (std::optional<nlohmann::json> answer = client_.take()) {
          asked_ = false;
          next_ = Clock::now() +
                  (std::exchange(first_, false) ? std::min(kFirstInterval, interval_) : interval_);
          view_.set_answer(*std::move(answer));
          view_.draw(terminal_);
        }
      }
      if (!press_keys()) {
        return;
      }
      if (!asked_ && (asks_again_ || (!view_.paused() && Clock::now() >= next_))) {
        ask();
      }
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  void ask() {
    client_.begin(view_.request(terminal_));
    asked_ = true;
    asks_again_ = false;
  }

  void wait() {
    std::array<pollfd, 2> watched = {
        pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
        pollfd{.fd = client_.descriptor(), .events = POLLIN, .revents = 0}};
    int timeout = -1;  // for a key, or for the answer
    if (!asked_ && !view_.paused()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - Clock::now()).count();
      timeout = static_cast<int>(std::max<std::int64_t>(left, 0));
    }
    ::poll(watched.data(), watched.size(), timeout);  // also ended by a resized window
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) {
      throw InspectError("the terminal has gone");
    }
    if (!asked_ && watched[1].revents != 0) {
      std::ignore = client_.take();  // throws: nothing is to come but the end
    }
  }

  /// False: to quit.
  bool press_keys() {
    for (int key = terminal_.key(); key != Terminal::kNone; key = terminal_.key()) {
      const TopView::Effect effect = view_.press(key);
      if (effect == TopView::Effect::quit) {
        return false;
      }
      if (effect != TopView::Effect::none) {
        view_.draw(terminal_);
      }
      asks_again_ = asks_again_ || effect == TopView::Effect::ask;
    }
    return true;
  }

  InspectorClient& client_;
  TopView& view_;
  const Duration interval_;
  Terminal terminal_;
  bool asked_ = false;
  bool asks_again_ = false;
  bool first_ = true;
  Clock::time_point next_;
};

}  // namespace

TopCommand::TopCommand(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("top", "Watch the tasks of a process, full-screen");
  command
      .add_option("process", target_,
                  "Its PID, or the path of its socket; without one, the only process that there is")
      ->type_name("PID|PATH");
  command
      .add_option_function<std::string>(
          "-d,--interval",
          [this](const std::string& text) {
            const auto interval = parse_duration(text);
            if (!interval) {
              throw CLI::ValidationError("--interval", interval.error());
            }
            if (*interval < 100ms || *interval > 24h) {
              throw CLI::ValidationError("--interval", "has to be from 100ms to 1d");
            }
            interval_ = *interval;
          },
          "From one refresh to the next")
      ->type_name("DURATION")
      ->default_str(format_duration(interval_));
  command.add_option("--sort", sort_, "By what the tasks are sorted at first")
      ->check(CLI::IsMember({"busy", "wake_ups", "since", "frame_bytes", "name"}))
      ->capture_default_str();
  command
      .add_option("--filter", filter_,
                  "Only tasks with this text in their name, what they await, where, or their note")
      ->type_name("TEXT");
  command.footer(
      "Keys: q quit, s sort, p pause, / filter, h help with the others.\n"
      "Exit status: 0 ended by q, 1 there is no such process, it has ended, or this is no "
      "terminal, 2 wrong usage.");
}

int TopCommand::run() {
  const std::optional<InspectorAddress> address = choose_inspector(target_);
  if (!address) {
    return kUsage;
  }
  InspectorClient client(*address);
  TopView view(sort_, filter_, client.ask({{"command", "info"}}));
  client.ask({{"command", "count_time"}, {"on", true}});
  client.read([&] { TopScreen(client, view, interval_).run(); });
  return kSuccess;
}

}  // namespace simul::cli
