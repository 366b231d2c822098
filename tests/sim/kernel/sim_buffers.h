#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/io/slice.h"

namespace sluice {

// SimBuffers - the receive buffers of a simulated kernel: as BufferRing fills them, either piece by
// piece or one for each receive, but few and small. What is free is poisoned and wiped, so that a
// slice that outlives its bytes is found.
//
// Owns      the buffers. All slices must be gone when it dies (asserted).
class SimBuffers {
 public:
  SimBuffers(std::uint32_t count, std::uint32_t bytes, bool incremental);
  ~SimBuffers();
  SimBuffers(const SimBuffers&) = delete;
  SimBuffers& operator=(const SimBuffers&) = delete;

  // How many the kernel can still fill, be it in part.
  [[nodiscard]] std::size_t free_count() const { return free_.size(); }
  [[nodiscard]] std::size_t total() const { return all_.size(); }
  // Copies as much of `data` as one buffer takes. There must be a free one.
  [[nodiscard]] Slice fill(std::string_view data);

 private:
  class Buffer final : public SliceHome {
   public:
    Buffer(SimBuffers& owner, std::uint32_t bytes);
    ~Buffer();
    void wipe();

    SimBuffers* owner;
    std::unique_ptr<char[]> memory;
    std::uint32_t used = 0;
    bool taken = false;  // the kernel is through with it

   private:
    void on_unused() noexcept override;
  };

  std::uint32_t bytes_;
  bool incremental_;
  std::vector<std::unique_ptr<Buffer>> all_;
  std::deque<Buffer*> free_;
};

}  // namespace sluice
