// Credentials as processors are given them, made into what a server is told.
#pragma once

#include <string>
#include <string_view>

#include "net/secret.hpp"

namespace trunkline::processors {

// The value of an Authorization header with a name and a password.
net::Secret basic_authorization(std::string_view username, std::string_view password);

// Overwrites a text that held a secret.
void wipe(std::string* text);

}  // namespace trunkline::processors
