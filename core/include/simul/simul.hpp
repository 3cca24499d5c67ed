// All of the runtime.
#pragma once

#include <simul/acquire_listeners.hpp>
#include <simul/cancel_scope.hpp>
#include <simul/cancelled.hpp>
#include <simul/chunk.hpp>
#include <simul/clock.hpp>
#include <simul/connection.hpp>
#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/environment.hpp>
#include <simul/error.hpp>
#include <simul/exception_group.hpp>
#include <simul/leaf.hpp>
#include <simul/log.hpp>
#include <simul/loop.hpp>
#include <simul/loop_group.hpp>
#include <simul/option.hpp>
#include <simul/protocol.hpp>
#include <simul/serve.hpp>
#include <simul/signals.hpp>
#include <simul/sleep.hpp>
#include <simul/socket.hpp>
#include <simul/stream.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>
#include <simul/units.hpp>
