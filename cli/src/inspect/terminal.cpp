#include "inspect/terminal.hpp"

#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <stdexcept>
#include <string>

#define NCURSES_NOMACROS 1
#include <curses.h>

namespace simul::cli {
namespace {

/// As many characters as fit, in the terminal's own encoding; the rest as question marks.
std::wstring fit(std::string_view text, int columns) {
  std::wstring line;
  std::mbstate_t state{};
  int used = 0;
  while (!text.empty()) {
    wchar_t character = 0;
    std::size_t size = std::mbrtowc(&character, text.data(), text.size(), &state);
    if (size == 0 || size > text.size()) {
      state = {};
      character = L'?';
      size = 1;
    }
    const int width = ::wcwidth(character);
    if (used + width > columns) {
      break;
    }
    if (width > 0) {
      line += character;
      used += width;
    }
    text.remove_prefix(size);
  }
  return line;
}

}  // namespace

Terminal::Terminal() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    throw std::runtime_error("this is no terminal; `simul ps` writes the same as text");
  }
  std::setlocale(LC_CTYPE, "");
  const char* const name = std::getenv("TERM");
  screen_ = ::newterm(nullptr, stdout, stdin);
  if (screen_ == nullptr || ::tigetstr("clear") == nullptr || ::tigetstr("cup") == nullptr) {
    if (screen_ != nullptr) {
      ::endwin();
      ::delscreen(static_cast<SCREEN*>(screen_));
    }
    throw std::runtime_error(
        "a terminal of the type '" + std::string(name != nullptr ? name : "") +
        "' (TERM) has no screen to draw on; `simul ps` writes the same as text");
  }
  ::cbreak();
  ::noecho();
  ::nodelay(stdscr, TRUE);
  ::keypad(stdscr, TRUE);
  ::set_escdelay(50);
  ::curs_set(0);
}

Terminal::~Terminal() {
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(screen_));
}

int Terminal::rows() const noexcept { return ::getmaxy(stdscr); }
int Terminal::columns() const noexcept { return ::getmaxx(stdscr); }

void Terminal::begin() { ::werase(stdscr); }

void Terminal::line(int row, std::string_view text, Style style) {
  if (row < 0 || row >= rows()) {
    return;
  }
  const chtype look = style == Style::bold      ? A_BOLD
                      : style == Style::reverse ? A_REVERSE
                                                : A_NORMAL;
  ::wmove(stdscr, row, 0);
  ::wattrset(stdscr, static_cast<int>(look));
  if (style == Style::reverse) {
    ::whline(stdscr, ' ' | look, columns());
  }
  const std::wstring fitting = fit(text, columns());
  ::waddnwstr(stdscr, fitting.data(), static_cast<int>(fitting.size()));
  ::wattrset(stdscr, A_NORMAL);
}

void Terminal::show() { ::wrefresh(stdscr); }

int Terminal::key() {
  wint_t key = 0;
  const int kind = ::wget_wch(stdscr, &key);
  if (kind == ERR) {
    return kNone;
  }
  if (kind == OK) {
    return key == 127 || key == '\b' ? kBackspace : static_cast<int>(key);
  }
  switch (key) {
    case KEY_LEFT:
      return kLeft;
    case KEY_RIGHT:
      return kRight;
    case KEY_UP:
      return kUp;
    case KEY_DOWN:
      return kDown;
    case KEY_PPAGE:
      return kPageUp;
    case KEY_NPAGE:
      return kPageDown;
    case KEY_RESIZE:
      return kResized;
    case KEY_BACKSPACE:
      return kBackspace;
    case KEY_ENTER:
      return '\n';
    default:
      return kOther;
  }
}

}  // namespace simul::cli
