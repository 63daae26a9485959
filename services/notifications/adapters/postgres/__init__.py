"""The stores of this service: one database, every port that must be transactional."""
