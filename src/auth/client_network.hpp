// Whom an address stands for where clients are counted.
#pragma once

#include <string>

namespace tps::auth {

// IPv4: the address itself. IPv6: its /64, the smallest network that a provider assigns; its owner may use all of its
// addresses. Other texts as they are.
std::string client_network(const std::string& address);

}  // namespace tps::auth
