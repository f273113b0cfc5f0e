"""Carries an inference request from AWS GovCloud to Amazon Bedrock in the Commercial partition, and records it."""
