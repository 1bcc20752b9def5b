// Asking the person at the terminal before something is gone for good.
#pragma once

namespace trunkline::cli {

// Whether standard input is a terminal, on which somebody can be asked.
bool can_ask();

// Asks whether to go on; anything but a yes is a no.
bool is_confirmed();

}  // namespace trunkline::cli
