// The options of a processor, as text a user wrote.
#include "encode/json_options.hpp"

#include "fuzz_support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trunkline::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  trunkline::encode::JsonOptions options(text, "fuzzer");
  std::string path = "before";
  std::string stream = "before";
  uint64_t bytes = 7;
  options.read_string("path", &path);
  options.read_choice("stream", {"stdout", "stderr"}, &stream);
  options.read_u64("max_bytes", 5, &bytes);
  const trunkline::Error error = options.finish();
  require(stream == "before" || stream == "stdout" || stream == "stderr", "a choice is one of those offered");
  require(bytes >= 5, "a number is not below its minimum");
  if (error) require(error.code == TR_EINVAL && error.message.rfind("fuzzer", 0) == 0, "an error names its subject");
  return 0;
}
