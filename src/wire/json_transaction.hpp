// The object that stands for a transaction, alone or as an item of a batch.
#pragma once

#include <simdjson.h>

#include "wire/json_reader.hpp"

namespace tps::wire {

// One that is in a batch may have a key of its own.
DecodeResult read_transaction(simdjson::ondemand::object& members, bool in_batch);

}  // namespace tps::wire
