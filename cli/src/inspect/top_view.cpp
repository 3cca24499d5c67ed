#include "inspect/top_view.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inspect/figures.hpp"

namespace simul::cli {
namespace {

struct Column {
  char key;
  std::string_view sort;  // as the inspector calls it
  std::string_view title;
};
constexpr std::array<Column, 5> kColumns = {{{'b', "busy", "busy"},
                                             {'w', "wake_ups", "wake-ups"},
                                             {'t', "since", "time since the last step"},
                                             {'f', "frame_bytes", "frame bytes"},
                                             {'n', "name", "name"}}};

constexpr int kHeadLines = 5;
constexpr int kEscape = 27;
constexpr std::size_t kMostTasks = 20'000;  // that one answer holds

/// For tasks.
std::size_t room(const Terminal& terminal) {
  return static_cast<std::size_t>(std::max(terminal.rows() - kHeadLines, 0));
}

constexpr std::array<std::string_view, 18> kHelp = {
    "q            quit",
    "s, right     sort by the next column; left: by the one before",
    "b w t f n    sort by busy, wake-ups, time since the last step, frame bytes, name",
    "r            the other way round",
    "/            show only tasks with a text in TASK, AWAITS, AT or NOTE; Enter: done",
    "Escape       show all again",
    "p, space     pause, go on",
    "up, down     scroll, also by pages",
    "h, ?         this help; any key leaves it",
    "",
    "BUSY%        of a processor's time, in the task's steps, since the last refresh",
    "WAKE/S       steps per second",
    "SINCE        the last step ended, or the task was spawned",
    "FRAMES       memory of its coroutines",
    "AWAITS, AT   what it waits for, and where its innermost coroutine awaits it",
    "",
    "The loops are named by their threads, as `top -H` shows them; their share is all the time "
    "that the thread has",
    "had a processor for. While this runs the time of each step is counted, which costs a percent "
    "or less.",
};

}  // namespace

TopView::TopView(std::string_view sort, std::string filter, nlohmann::json info)
    : info_(std::move(info)),
      sort_(static_cast<std::size_t>(std::ranges::find(kColumns, sort, &Column::sort) -
                                     kColumns.begin()) %
            kColumns.size()),
      filter_(std::move(filter)) {}

nlohmann::json TopView::request(const Terminal& terminal) {
  page_ = std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(room(terminal)) - 1, 1);
  scroll(0);
  const std::string& filter = editing_ ? edited_ : filter_;
  nlohmann::json request = {{"command", "tasks"},
                            {"limit", std::min(scrolled_ + room(terminal), kMostTasks)},
                            {"sort", kColumns[sort_].sort},
                            {"reverse", reverse_}};
  if (!filter.empty()) {
    request["filter"] = filter;
  }
  return request;
}

std::string TopView::title() const {
  return fmt::format("simul top: {}, {}", info_.at("pid").get<std::int64_t>(),
                     printable(info_.at("command_line").get<std::string>()));
}

std::string TopView::loops() const {
  std::string text = "loops:";
  for (const nlohmann::json& loop : answer_.at("loops")) {
    text += fmt::format("  {} ", loop.at("thread").get<std::int64_t>());
    text += loop.at("answers").get<bool>()
                ? rate(loop.at("busy"), 100) + " %"
                : "doesn't answer (" + printable(loop.at("silence").get<std::string>()) + ")";
  }
  return text;
}

std::string TopView::totals() const {
  std::string text = task_count(answer_.at("loops")) + " tasks";
  for (const auto& [name, count] : answer_.at("counters").items()) {
    text += fmt::format(", {} {}", grouped(count.get<std::uint64_t>()), printable(name));
  }
  return text;
}

std::string TopView::prompt() const {
  if (editing_) {
    return "filter: " + edited_ + "_";
  }
  std::string text =
      fmt::format("sorted by {}{}", kColumns[sort_].title, reverse_ ? ", reversed" : "");
  if (!filter_.empty()) {
    text += fmt::format("; {} with '{}'", grouped(answer_.at("matching").get<std::uint64_t>()),
                        filter_);
  }
  return text + (paused_ ? "; PAUSED (p goes on)" : "; h: help");
}

void TopView::draw_help(Terminal& terminal) const {
  int row = 0;
  for (const std::string_view line : kHelp) {
    terminal.line(row++, line);
  }
}

/// The last line is for what there is outside the screen.
void TopView::draw_tasks(Terminal& terminal) const {
  const nlohmann::json& tasks = answer_.at("tasks");
  const auto matching = answer_.at("matching").get<std::uint64_t>();
  const bool fits = scrolled_ == 0 && matching <= room(terminal);
  const std::size_t rows =
      fits ? room(terminal) : room(terminal) - std::min<std::size_t>(room(terminal), 1);
  const std::size_t end = std::min(scrolled_ + rows, tasks.size());
  int row = kHeadLines;
  for (std::size_t i = scrolled_; i < end; ++i) {
    const nlohmann::json& task = tasks.at(i);
    terminal.line(
        row++,
        fmt::format("{:>6} {:>9} {:>7} {:>6}  {:<22} {:<20} {:<22} {}", rate(task.at("busy"), 100),
                    rate(task.at("wake_ups_per_s")), short_time(task.at("since_s").get<double>()),
                    short_size(task.at("frame_bytes").get<std::uint64_t>()),
                    shortened(printable(task.at("name").get<std::string>()), 22),
                    shortened(what_it_awaits(task), 20), shortened(place_of_task(task), 22),
                    printable(task.at("note").get<std::string>())));
  }
  if (!fits && room(terminal) > 0) {
    terminal.line(terminal.rows() - 1,
                  (scrolled_ > 0 ? grouped(scrolled_) + " more above, " : "") +
                      grouped(matching - std::min<std::uint64_t>(matching, end)) + " more below");
  }
}

/// As far as there is something to be seen there.
void TopView::scroll(std::ptrdiff_t lines) {
  const std::uint64_t matching =
      answer_.is_null() ? 0 : answer_.at("matching").get<std::uint64_t>();
  const auto count = static_cast<std::ptrdiff_t>(std::min(matching, std::uint64_t{kMostTasks}));
  const std::ptrdiff_t furthest = count > page_ + 1 ? count - page_ : 0;
  scrolled_ = static_cast<std::size_t>(
      std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(scrolled_) + lines, 0, furthest));
}

void TopView::set_answer(nlohmann::json answer) {
  answer_ = std::move(answer);
  scroll(0);
}

void TopView::draw(Terminal& terminal) const {
  terminal.begin();
  if (help_) {
    draw_help(terminal);
  } else if (answer_.is_null()) {
    terminal.line(0, title(), Terminal::Style::bold);
  } else {
    terminal.line(0, title(), Terminal::Style::bold);
    terminal.line(1, loops());
    terminal.line(2, totals());
    terminal.line(3, prompt());
    terminal.line(4,
                  fmt::format("{:>6} {:>9} {:>7} {:>6}  {:<22} {:<20} {:<22} {}", "BUSY%", "WAKE/S",
                              "SINCE", "FRAMES", "TASK", "AWAITS", "AT", "NOTE"),
                  Terminal::Style::reverse);
    draw_tasks(terminal);
  }
  terminal.show();
}

TopView::Effect TopView::press(int key) {
  if (key == Terminal::kResized) {
    return Effect::ask;
  }
  if (editing_) {
    return edit_filter(key);
  }
  if (std::exchange(help_, false)) {
    return Effect::redraw;
  }
  if (const auto column = std::ranges::find(kColumns, key, &Column::key);
      column != kColumns.end()) {
    sort_ = static_cast<std::size_t>(column - kColumns.begin());
    return Effect::ask;
  }
  switch (key) {
    case 'q':
      return Effect::quit;
    case 's':
    case Terminal::kRight:
      sort_ = (sort_ + 1) % kColumns.size();
      return Effect::ask;
    case Terminal::kLeft:
      sort_ = (sort_ + kColumns.size() - 1) % kColumns.size();
      return Effect::ask;
    case 'r':
      reverse_ = !reverse_;
      return Effect::ask;
    case Terminal::kUp:
      scroll(-1);
      return Effect::ask;
    case Terminal::kDown:
      scroll(1);
      return Effect::ask;
    case Terminal::kPageUp:
      scroll(-page_);
      return Effect::ask;
    case Terminal::kPageDown:
      scroll(page_);
      return Effect::ask;
    case 'p':
    case ' ':
      paused_ = !paused_;
      return paused_ ? Effect::redraw : Effect::ask;
    case 'h':
    case '?':
      help_ = true;
      return Effect::redraw;
    case '/':
      editing_ = true;
      edited_ = filter_;
      return Effect::redraw;
    case kEscape:
      filter_.clear();
      return Effect::ask;
    default:
      return Effect::none;
  }
}

TopView::Effect TopView::edit_filter(int key) {
  if (key == '\n' || key == '\r') {
    filter_ = edited_;
    editing_ = false;
  } else if (key == kEscape) {
    editing_ = false;
  } else if (key == Terminal::kBackspace) {
    if (!edited_.empty()) {
      edited_.pop_back();
    }
  } else if (key >= ' ' && key < 127 && edited_.size() < 60) {
    edited_ += static_cast<char>(key);
  } else {
    return Effect::none;
  }
  return Effect::ask;
}

}  // namespace simul::cli
