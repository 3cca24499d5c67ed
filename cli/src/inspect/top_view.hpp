// TopView: what `simul top` shows, and what its keys change. It draws; who asks the process is TopCommand.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "inspect/terminal.hpp"

namespace simul::cli {

class TopView {
 public:
  TopView(std::string_view sort, std::string filter, nlohmann::json info);

  /// What to ask next, for a screen of this size.
  [[nodiscard]] nlohmann::json request(const Terminal& terminal);
  void set_answer(nlohmann::json answer);
  void draw(Terminal& terminal) const;

  enum class Effect {
    none,
    redraw,
    ask,  // something else is to be shown
    quit
  };
  Effect press(int key);
  [[nodiscard]] bool paused() const noexcept { return paused_; }

 private:
  Effect edit_filter(int key);
  void scroll(std::ptrdiff_t lines);
  void draw_help(Terminal& terminal) const;
  void draw_tasks(Terminal& terminal) const;
  [[nodiscard]] std::string title() const;
  [[nodiscard]] std::string loops() const;
  [[nodiscard]] std::string totals() const;
  [[nodiscard]] std::string prompt() const;

  const nlohmann::json info_;
  nlohmann::json answer_;  // null: none yet
  std::size_t sort_;
  bool reverse_ = false;
  std::ptrdiff_t page_ = 1;   // lines that are left for tasks if not all of them fit
  std::size_t scrolled_ = 0;  // so many tasks are above the screen
  std::string filter_;
  std::string edited_;  // the filter, while it is typed
  bool editing_ = false;
  bool paused_ = false;
  bool help_ = false;
};

}  // namespace simul::cli
