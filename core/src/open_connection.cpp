#include <simul/open_connection.hpp>

#include <utility>

#include <simul/detail/task_base.hpp>
#include <simul/loop.hpp>

namespace simul {

Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> open_connection(
    Endpoint endpoint, ConnectOptions options) {
  Environment& world = (co_await detail::this_task).loop().environment();
  co_return co_await world.connect(std::move(endpoint), std::move(options));
}

}  // namespace simul
