import AWS
import HTTP
import Testing

@Suite struct TaggingTests {
  @Test func resourcesOfAllPages() async throws {
    let aws = FakeAWS(
      .json(
        #"{"PaginationToken":"p","ResourceTagMappingList":[{"ResourceARN":"arn:1","Tags":[{"Key":"mrhealth:stack","Value":"s"}]}]}"#
      ),
      .json(#"{"PaginationToken":"","ResourceTagMappingList":[{"ResourceARN":"arn:2","Tags":[]}]}"#))
    let found = try await TaggingClient(aws.client).getResources(
      filters: [.init("mrhealth:stack", ["s"]), .init("mrhealth:address")], types: ["s3"])
    #expect(found == ["arn:1": ["mrhealth:stack": "s"], "arn:2": [:]])
    #expect(aws.requests[0].line == "POST tagging.us-east-2.amazonaws.com/")
    #expect(aws.requests[0].headers["X-Amz-Target"] == "ResourceGroupsTaggingAPI_20170126.GetResources")
    #expect(
      aws.requests.map(\.text) == [
        #"{"ResourceTypeFilters":["s3"],"TagFilters":[{"Key":"mrhealth:stack","Values":["s"]},{"Key":"mrhealth:address"}]}"#,
        #"{"PaginationToken":"p","ResourceTypeFilters":["s3"],"TagFilters":[{"Key":"mrhealth:stack","Values":["s"]},{"Key":"mrhealth:address"}]}"#,
      ])
  }
}
