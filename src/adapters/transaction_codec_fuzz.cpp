// Whatever the decoder accepts must be the one encoding of what it gives.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/transaction_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto transaction = tps::adapters::decode_transaction(bytes);
  if (!transaction) return 0;
  std::string again;
  tps::adapters::encode_transaction(*transaction, again);
  if (again != bytes) std::abort();
  return 0;
}
