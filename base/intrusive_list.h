#pragma once

#include "base/assert.h"

namespace sluice {

// ListNode - a link that an object carries to stand in one doubly linked list. Asserts that it left
// the list before it dies.
struct ListNode {
  ListNode* previous = nullptr;
  ListNode* next = nullptr;

  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { SL_ASSERT(!linked()); }

  [[nodiscard]] bool linked() const noexcept { return next != nullptr; }
  void unlink() noexcept {
    if (!linked()) return;
    previous->next = next;
    next->previous = previous;
    previous = next = nullptr;
  }
};

// IntrusiveList - a list of T, where T derives from ListNode. Owns nothing, allocates nothing. The
// order is that of insertion; every operation takes constant time.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.previous = head_.next = &head_; }
  ~IntrusiveList() {
    SL_ASSERT(empty());
    head_.previous = head_.next = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  [[nodiscard]] bool empty() const noexcept { return head_.next == &head_; }
  void push_back(T& item) noexcept { link_before(head_, item); }
  void push_front(T& item) noexcept { link_before(*head_.next, item); }
  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next); }
  [[nodiscard]] T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.previous); }
  [[nodiscard]] T* after(T& item) noexcept {
    ListNode* const next = static_cast<ListNode&>(item).next;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }
  // `place` stands in this list.
  void insert_before(T& place, T& item) noexcept {
    link_before(static_cast<ListNode&>(place), item);
  }
  T* pop_front() noexcept {
    T* const item = front();
    if (item != nullptr) static_cast<ListNode*>(item)->unlink();
    return item;
  }

 private:
  static void link_before(ListNode& place, T& item) noexcept {
    ListNode& node = item;
    SL_ASSERT(!node.linked());
    node.previous = place.previous;
    node.next = &place;
    place.previous->next = &node;
    place.previous = &node;
  }
  ListNode head_;
};

}  // namespace sluice
