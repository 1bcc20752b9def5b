// Families of models as QitOS knows them: what an agent for one of them is commonly set up with. Sugar for the
// configuration of a run: nothing here is kept up to date with what vendors offer.
#pragma once

#include <string_view>

namespace trunkline {

// A JSON object; nullptr: no family. The first is taken whose name the model's is, or of which a word is in it; case
// and blanks around it do not count.
const char* family_preset(std::string_view model);

}  // namespace trunkline
