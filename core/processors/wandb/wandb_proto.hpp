// Numbers of fields in W&B's protobuf messages (wandb_internal.proto), as far as a run needs them.
#pragma once

#include <cstdint>

namespace trunkline::wandb {

namespace record {
enum : uint32_t {
  kNumber = 1,
  kHistory = 2,
  kSummary = 3,
  kConfig = 5,
  kFiles = 6,
  kArtifact = 8,
  kRun = 17,
  kExit = 18,
  kHeader = 21,
  kUseArtifact = 25
};
}
namespace header {
enum : uint32_t { kVersion = 1 };
}
namespace version {
enum : uint32_t { kProducer = 1, kMinConsumer = 2 };
}
namespace run {
enum : uint32_t {
  kId = 1,
  kEntity = 2,
  kProject = 3,
  kConfig = 4,
  kGroup = 6,
  kJobType = 7,
  kDisplayName = 8,
  kNotes = 9,
  kTags = 10,
  kHost = 13,
  kStartTime = 17,
  kTelemetry = 19
};
}
namespace telemetry {
enum : uint32_t { kClientVersion = 5 };
}
namespace timestamp {
enum : uint32_t { kSeconds = 1, kNanos = 2 };
}
namespace items {  // of history, summary and config alike
enum : uint32_t { kItem = 1, kHistoryStep = 2 };
}
namespace item {
enum : uint32_t { kKey = 1, kNestedKey = 2, kJson = 16 };
}
namespace step {
enum : uint32_t { kNumber = 1 };
}
namespace files {
enum : uint32_t { kItem = 1, kPath = 1 };  // of the item
}
namespace artifact {
enum : uint32_t {
  kRunId = 1,
  kProject = 2,
  kEntity = 3,
  kType = 4,
  kName = 5,
  kDigest = 6,
  kDescription = 7,
  kMetadata = 8,
  kAliases = 11,
  kManifest = 12,
  kFinalize = 14,
  kClientId = 15,
  kSequenceClientId = 16
};
}
namespace manifest {
enum : uint32_t { kVersion = 1, kStoragePolicy = 2, kPolicyItem = 3, kEntry = 4, kFile = 5 };
}
namespace policy_item {
enum : uint32_t { kKey = 1, kJson = 2 };
}
namespace entry {
enum : uint32_t { kPath = 1, kDigest = 2, kReference = 3, kSize = 4, kLocalPath = 6, kSkipCache = 8 };
}
namespace use_artifact {
enum : uint32_t { kName = 3 };
}
namespace exits {
enum : uint32_t { kCode = 1, kRuntime = 2 };
}

}  // namespace trunkline::wandb
