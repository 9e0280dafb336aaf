import Model
import Testing

@testable import Cloud

@Suite struct AddressRangeTests {
  @Test(arguments: [
    ("203.0.113.7/32", "203.0.113.7/32"), ("10.1.2.3/20", "10.1.0.0/20"), ("10.1.2.3/1", "0.0.0.0/1"),
    ("255.255.255.255/9", "255.128.0.0/9"), ("203.0.113.7/0", "0.0.0.0/0"),
    ("2001:0DB8:0:0:0:0:0:1/64", "2001:db8::/64"), ("2001:db8::ff/121", "2001:db8::80/121"), ("::1/0", "::/0"),
    ("pl-0123", "pl-0123"),
  ])
  func `ranges as EC2 gives them back`(_ written: String, _ canonical: String) throws {
    #expect(try AddressRange.canonical(written) == canonical)
    #expect(try AddressRange.canonical(canonical) == canonical)
  }

  @Test(arguments: [
    "", "203.0.113.7", "203.0.113.7/", "203.0.113.7/33", "203.0.113.7/-1", "203.0.113.7/+8", "203.0.113/24",
    "203.0.113.256/24", "2001:db8::/129", "2001:db8::1::/64", "office/24", "10.0.0.0/8/8",
  ])
  func `what is no range`(_ text: String) async {
    let found = await diagnostic { try AddressRange.canonical(text) }
    #expect(found.summary == "`\(text)` is no range of addresses")
  }
}
