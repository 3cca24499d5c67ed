// Terminal: a full screen of text by ncurses, from construction to destruction.
//
//   Terminal terminal;
//   terminal.begin();
//   terminal.line(0, "title", Terminal::Style::bold);
//   terminal.show();
//   int key = terminal.key();
#pragma once

#include <string_view>

namespace simul::cli {

class Terminal {
 public:
  enum class Style { plain, bold, reverse };
  /// What key() gives besides characters.
  static constexpr int kNone = -1;
  static constexpr int kLeft = -2;
  static constexpr int kRight = -3;
  static constexpr int kResized = -4;
  static constexpr int kBackspace = -5;
  static constexpr int kUp = -6;
  static constexpr int kDown = -7;
  static constexpr int kPageUp = -8;
  static constexpr int kPageDown = -9;
  static constexpr int kOther = -10;

  /// Throws std::runtime_error for what is no terminal, or one that has no screen.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] int rows() const noexcept;
  [[nodiscard]] int columns() const noexcept;

  /// An empty picture.
  void begin();
  /// UTF-8; cut at the right edge, and filled up to it if `style` isn't plain. Rows outside are ignored.
  void line(int row, std::string_view text, Style style = Style::plain);
  void show();

  /// The next key that was pressed, if there is one. Doesn't wait.
  [[nodiscard]] int key();

 private:
  void* screen_;
};

}  // namespace simul::cli
