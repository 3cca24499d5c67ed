// Slot: one of the N connections that a test has to keep open, whichever socket it is on at the moment.
#pragma once

#include <cstdint>
#include <memory>

#include <simul/clock.hpp>

#include "window.hpp"
#include "work.hpp"

namespace simul::load {

struct Slot {
  /// How far it got in proving that all connections were open at once.
  enum class Proof : std::uint8_t {
    none,
    ready,   ///< a verified reply, before the start, on the socket it is on now
    proven,  ///< and another one on the same socket, asked for after the start
    missed,  ///< wasn't ready at the start
  };

  Slot(std::uint64_t slot_number, std::size_t depth) : number(slot_number), window(depth) {}

  std::uint64_t number;
  Window window;
  std::unique_ptr<Dialogue> dialogue;  // of the present socket
  std::uint64_t asked = 0;             // messages since the start
  std::uint32_t sockets = 0;           // so far
  Proof proof = Proof::none;
  bool settled = false;        // its first try has come to an end, good or bad
  bool shaking_hands = false;  // TLS, on the present socket
  bool greeted = false;        // the present socket has brought a reply
};

}  // namespace simul::load
