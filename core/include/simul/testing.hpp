// What tests of asynchronous code need, so that none of them has to sleep; installed for users. Nothing
// here depends on a test framework: what fails throws.
#pragma once

#include <simul/testing/cancel_everywhere.hpp>
#include <simul/testing/chaos.hpp>
#include <simul/testing/crossing_stream.hpp>
#include <simul/testing/memory_stream.hpp>
#include <simul/testing/run_seeds.hpp>
#include <simul/testing/seeded_random.hpp>
#include <simul/testing/simulation.hpp>
#include <simul/testing/stream_conformance.hpp>
#include <simul/testing/virtual_clock.hpp>
