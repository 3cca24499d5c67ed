// What tests of asynchronous code need, so that none of them has to sleep; installed for users.
#pragma once

#include <simul/testing/cancel_everywhere.hpp>
#include <simul/testing/memory_stream.hpp>
#include <simul/testing/virtual_clock.hpp>
