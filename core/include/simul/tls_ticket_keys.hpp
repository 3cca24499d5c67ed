// TlsTicketKeys: the keys of session tickets, which let a client take up its session again on any loop.
//
//   auto renewed = TlsServerContext::load({.certificates = {files}, .ticket_keys = old->ticket_keys()});
//
// A new one every twelve hours; the last three are accepted. They are made at random and never leave the
// process: other machines can't open their tickets.
#pragma once

#include <memory>

#include <simul/export.hpp>

namespace simul {

namespace detail {
struct TicketSeal;
}

/// Thread: any.
class SIMUL_EXPORT TlsTicketKeys {
 public:
  TlsTicketKeys();
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  /// Before its time.
  void rotate();

 private:
  friend struct detail::TicketSeal;
  struct Key;
  class Ring;
  std::unique_ptr<Ring> ring_;
};

}  // namespace simul
