// The log of a run directory. The input is a segment as it stands, or - first byte odd - the payloads of frames whose
// checksums are right, followed by bytes that fall over them.
#include <fuzzer/FuzzedDataProvider.h>

#include "fuzz_support.hpp"
#include "log/log_reader.hpp"
#include "os/crc32c.hpp"
#include "pipeline/block.hpp"

namespace trunkline::fuzz {
namespace {

using namespace log_detail;

std::string sound_segment(FuzzedDataProvider& input) {
  SegmentHeader header;
  header.epoch = input.ConsumeIntegral<uint8_t>();
  header.first_sequence = 1;
  header.capacity = 1u << 20;
  std::string bytes(kSegmentHeader, '\0');
  encode_header(header, bytes.data());
  for (uint64_t sequence = 1; input.remaining_bytes() > 8 && sequence < 64; ++sequence) {
    const std::string payload = input.ConsumeRandomLengthString();
    FrameHeader frame;
    frame.length = static_cast<uint32_t>(payload.size());
    frame.sequence = sequence;
    frame.crc = crc32c(frame_crc(epoch_seed(header.epoch), frame.length, sequence), payload.data(), payload.size());
    char head[kFrameHeader];
    store_frame_header(frame, head);
    bytes.append(head, sizeof head).append(payload).resize(padded(bytes.size()));
  }
  if (input.ConsumeBool() && !bytes.empty()) {
    const size_t at = input.ConsumeIntegralInRange<size_t>(0, bytes.size() - 1);
    bytes[at] = static_cast<char>(bytes[at] ^ input.ConsumeIntegral<char>());
  }
  return bytes;
}

void read_all(int directory) {
  auto reader = LogReader::open(directory);
  if (!reader) return;
  uint64_t last = 0;
  for (uint64_t from = 1;;) {
    auto result = reader->read(from, 1u << 16, 16);
    if (!result) break;
    for (const Frame& frame : result->frames) {
      require(frame.sequence > last, "sequences increase");
      last = frame.sequence;
      if (frame.payload.size() < sizeof(RecordHeader)) continue;  // as all who read the log do
      pipeline::Block block;
      block.add(frame.sequence, frame.payload);
      for (const tr_record& record : block.records()) use(record);
    }
    if (result->end || result->frames.empty()) break;
    from = last + 1;
  }
  const auto newest = reader->last_sequence();
  require(!newest || *newest >= last, "the last sequence is not before one that was read");
}

}  // namespace
}  // namespace trunkline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trunkline::fuzz;
  using trunkline::log_detail::segment_name;
  static const Folder folder;
  FuzzedDataProvider input(data, size);
  const bool sound = (input.ConsumeIntegral<uint8_t>() & 1) != 0;
  folder.write(segment_name(0), sound ? sound_segment(input) : input.ConsumeRemainingBytesAsString());
  read_all(folder.fd());
  return 0;
}
