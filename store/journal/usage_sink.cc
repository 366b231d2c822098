#include "store/journal/usage_sink.h"

namespace sluice {

std::string JournalLoss::text() const {
  std::string out = file + ": ";
  if (bytes > 0)
    out += std::to_string(bytes) + " bytes at offset " + std::to_string(offset) + " are damaged; ";
  if (last_sequence < first_sequence)
    return out + "no usage record is lost by it, but texts of some may be";
  out += "usage records " + std::to_string(first_sequence) + " to " +
         std::to_string(last_sequence) + " are lost; ";
  return out + (bytes > 0 ? "the others are read. Look at the disk before it gets worse"
                          : "they were in memory only, or their file was removed");
}

}  // namespace sluice
