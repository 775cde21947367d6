// The hosts of a connection, by address: libpq would look names up itself, and wait for DNS as long as that takes.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "adapters/host_address.hpp"
#include "adapters/postgres/dsn.hpp"

namespace tps::postgres {

// One thread at a time.
class Hosts {
 public:
  // Adds hostaddr for every host that is a name, one entry for each of its addresses; a name that is not found by the
  // deadline is left out. Sockets, and lists that have their addresses, stay as they are. The names stay, too, for the
  // server's certificate. The error is a sentence: no host is left.
  std::expected<Keywords, std::string> resolve(Keywords keywords, adapters::HostAddress::Deadline deadline);

 private:
  std::map<std::string, adapters::HostAddress> names_;  // with the look-ups under way
};

}  // namespace tps::postgres
