/// What Amazon EMR's API speaks of. Members are named as in AWS's API with a small first letter, so that
/// `AWSJSON` can map them without a table.
package enum EMR {}
