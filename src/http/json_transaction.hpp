// The object that stands for a transaction, alone or as an item of a batch.
#pragma once

#include <simdjson.h>

#include "http/json_reader.hpp"

namespace tps::http {

// For decode_object.
struct TransactionReader {
  bool in_batch = false;  // may have a key of its own

  DecodeResult read(simdjson::ondemand::object& members) const;
};

}  // namespace tps::http
