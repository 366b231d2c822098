#include "store/journal/usage_sink.h"

namespace sluice {

std::string JournalLoss::text() const {
  std::string out = file + ": ";
  if (bytes > 0)
    out += std::to_string(bytes) + " bytes at offset " + std::to_string(offset) + " are damaged; ";
  const bool known = last_sequence >= first_sequence;
  if (known) {
    out += "usage records " + std::to_string(first_sequence) + " to " +
           std::to_string(last_sequence) + " are lost; ";
  } else if (perhaps > 0) {
    out += "up to " + std::to_string(perhaps) + " usage records may be lost by it; ";
  } else {
    out += "no usage record is lost by it, but texts of some may be; ";
  }
  if (bytes == 0) return out + "they were in memory only, or their file was removed";
  return out + "the others are read. The file is kept as " + file + kDamagedSuffix +
         "; look at the disk before it gets worse";
}

}  // namespace sluice
