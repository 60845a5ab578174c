-- What approvers answered to what they are asked, as a JSON object.
ALTER TABLE approvals ADD COLUMN answers TEXT;
