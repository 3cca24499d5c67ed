#include "admit.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <simul/cancel_scope.hpp>
#include <simul/error.hpp>
#include <simul/tls_stream.hpp>
#include <simul/units.hpp>

#include "service.hpp"

namespace simul::server {
namespace {

using Reason = Refusal::Reason;

bool trusts(const Service& service, const Endpoint& peer) {
  if (service.endpoint.family() == Endpoint::Family::local) {
    return true;  // whoever may open the socket's file
  }
  return std::ranges::any_of(service.settings.trusted_proxies,
                             [&](const Network& network) { return network.contains(peer); });
}

bool has_left(std::error_code error) {
  return error == Errc::end_of_stream || error == Errc::truncated ||
         error == std::errc::connection_reset;
}

Refusal refuse(Reason reason, std::string_view what, std::error_code error) {
  return {has_left(error) ? Reason::gone : reason, fmt::format("{}: {}", what, error.message())};
}

/// Nothing: the protocol may have it as it is.
Coro<std::optional<Refusal>> take_proxy_header(SocketListener::Accepted& accepted,
                                               const Service& service,
                                               std::unique_ptr<const ProxyHeader>& header) {
  const bool required = service.settings.proxy_protocol == config::ProxyProtocol::required;
  if (!trusts(service, accepted.peer)) {
    co_return required ? std::optional(Refusal{Reason::proxy, "is none of the trusted_proxies"})
                       : std::nullopt;
  }
  auto found = co_await read_proxy_header(
      accepted.stream, required ? ProxyExpectation::required : ProxyExpectation::optional);
  if (!found) {
    co_return refuse(Reason::proxy, "PROXY header", found.error());
  }
  if (*found) {
    if ((*found)->source.family() != Endpoint::Family::unspecified) {
      accepted.peer = (*found)->source;
    }
    header = std::make_unique<const ProxyHeader>(**std::move(found));
  }
  co_return std::nullopt;
}

}  // namespace

Coro<std::expected<Admitted, Refusal>> admit(SocketListener::Accepted accepted,
                                             const Service& service) {
  Admitted admitted{};
  std::optional<Refusal> refusal;
  std::string_view waits_for;
  auto handshake = [&]() -> Coro<> {
    if (service.settings.proxy_protocol != config::ProxyProtocol::off) {
      waits_for = "PROXY header";
      refusal = co_await take_proxy_header(accepted, service, admitted.proxy_header);
    }
    auto socket = std::make_unique<SocketStream>(std::move(accepted.stream));
    if (refusal || !service.tls) {
      admitted.stream = std::move(socket);
      co_return;
    }
    waits_for = "TLS handshake";
    auto tls = co_await accept_tls(std::move(socket), service.tls->context());
    if (tls) {
      admitted.stream = *std::move(tls);
    } else {
      refusal = refuse(Reason::tls, "TLS handshake", tls.error());
    }
  };
  const Duration timeout = service.settings.handshake_timeout;
  if (!co_await move_on_after(timeout, handshake)) {
    refusal = Refusal{Reason::timeout, fmt::format("{}: not complete after {}", waits_for,
                                                   format_duration(timeout))};
  }
  if (refusal) {
    refusal->peer = std::move(accepted.peer);
    co_return std::unexpected(*std::move(refusal));
  }
  admitted.peer = std::move(accepted.peer);
  co_return std::move(admitted);
}

}  // namespace simul::server
