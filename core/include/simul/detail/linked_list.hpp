// A list of things that stand in it by themselves, as leaves that wait in a queue do: no allocation,
// and whoever is cancelled leaves from the middle.
#pragma once

namespace simul::detail {

template <typename T>
class LinkedList;

template <typename T>
class LinkedListNode {
 protected:
  LinkedListNode() noexcept = default;
  ~LinkedListNode() = default;

 private:
  friend class LinkedList<T>;
  T* next_ = nullptr;
  T* previous_ = nullptr;
};

/// `T` derives from LinkedListNode<T>.
template <typename T>
class LinkedList {
 public:
  LinkedList() noexcept = default;
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// Of a list that isn't empty.
  [[nodiscard]] T& front() const noexcept { return *first_; }

  void push_back(T& item) noexcept {
    node(item).previous_ = last_;
    node(item).next_ = nullptr;
    (last_ != nullptr ? node(*last_).next_ : first_) = &item;
    last_ = &item;
  }
  void remove(T& item) noexcept {
    LinkedListNode<T>& out = node(item);
    (out.previous_ != nullptr ? node(*out.previous_).next_ : first_) = out.next_;
    (out.next_ != nullptr ? node(*out.next_).previous_ : last_) = out.previous_;
    out.next_ = out.previous_ = nullptr;
  }
  T& pop_front() noexcept {
    T& item = front();
    remove(item);
    return item;
  }

 private:
  static LinkedListNode<T>& node(T& item) noexcept { return item; }

  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace simul::detail
