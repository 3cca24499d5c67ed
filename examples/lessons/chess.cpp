// Twenty-four games of chess: twelve hours one after the other, one hour at once
//
// From "Where Does Async IO Fit In?": the chess master Judit Polgár plays 24 opponents, 30 pairs of
// moves a game; she makes a move in 5 seconds, an opponent in 55. On a virtual clock the exhibition takes no
// time; beside it a real one, a thousand times as fast.
//
// The tutorial counts exactly one hour, 24 * 5 * 30 = 3600 s. That is when she has made her last move: the last
// opponent replies 55 s later. And she is busy all the time. It takes 12 opponents to keep her so (60 s a pair
// of moves, 5 s of them hers): any more make each wait for her.
//
//   simul lesson chess [how many times as fast] [--serial]     --serial: one after the other in real time, too
#include <cstdio>
#include <utility>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

constexpr int kOpponents = 24;
constexpr int kPairsOfMoves = 30;

// [game]
struct Exhibition {
  Duration her_move = 5s;
  Duration reply = 55s;
  Lock judit{};  // there is only one of her
  TimePoint start = Loop::current().now();
  TimePoint last_move = start;
  TimePoint last_reply = start;
};

Coro<> game(Exhibition& exhibition) {
  for (int pair = 0; pair < kPairsOfMoves; ++pair) {
    {
      Lock::Guard at_this_table = co_await exhibition.judit.lock();  // first come, first served
      co_await sleep(exhibition.her_move);
      exhibition.last_move = Loop::current().now();
    }
    co_await sleep(exhibition.reply);  // she is at the other tables meanwhile
    exhibition.last_reply = Loop::current().now();
  }
}

Coro<> one_after_the_other(Exhibition& exhibition) {
  for (int opponent = 0; opponent < kOpponents; ++opponent) {
    co_await game(exhibition);
  }
}

Coro<> simultaneous(Exhibition& exhibition) {
  std::vector<Coro<>> games;
  for (int opponent = 0; opponent < kOpponents; ++opponent) {
    games.push_back(game(exhibition));
  }
  co_await gather(std::move(games));
}
// [/game]

using Mode = Coro<>(Exhibition&);

/// Prints times as they would be if it were played at normal speed.
Coro<> play(const char* name, Mode* mode, int speed) {
  Exhibition exhibition{.her_move = Duration(5s) / speed, .reply = Duration(55s) / speed};
  co_await mode(exhibition);
  const auto seconds = [&](TimePoint time) {
    return std::chrono::duration<double>(time - exhibition.start).count() * speed;
  };
  std::printf("%s: her last move at %.0f s, the last reply at %.0f s\n", name,
              seconds(exhibition.last_move), seconds(exhibition.last_reply));
}

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "[how many times as fast] [--serial]");
  const bool serial = arguments.flag("--serial");
  const int speed = arguments.number(1000, 1, 1'000'000);
  arguments.end();
  {
    std::puts("Virtual time:");
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete(play("one after the other", one_after_the_other, 1));
    loop.run_until_complete(play("simultaneous", simultaneous, 1));
  }
  std::printf("Real time, %d times as fast:\n", speed);
  if (serial) {
    run(play("one after the other", one_after_the_other, speed));
  }
  run(play("simultaneous", simultaneous, speed));
}
